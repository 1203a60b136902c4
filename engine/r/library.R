# Packages and what they hold, as OpenCPU shows them (its R/httpget_package_*.R). The project counts
# as a package. A lookup that fails says so in R's own words.

find_package <- function(package) {
  if (identical(package, settings$project)) {
    return(getNamespaceInfo(package, "path"))
  }
  path <- if (grepl("^[A-Za-z][A-Za-z0-9.]*$", package)) find.package(package, quiet = TRUE)
  if (length(path)) return(path[[1L]])
  fail(paste0("there is no package called '", package, "'"),
       quote(find.package(pkgname, lib.loc = lib.loc)), "package_not_found")
}

fail <- function(message, call, kind = "not_found") {
  stop(structure(list(message = message, call = call, kind = kind),
                 class = c("larder_failure", "error", "condition")))
}

attach_package <- function(package) {
  find_package(package)
  if (paste0("package:", package) %in% search()) return(invisible())
  suppressWarnings(suppressPackageStartupMessages(
    library(package, character.only = TRUE, warn.conflicts = FALSE)
  ))
}

# An object of a package: exported, data, or internal.
find_object <- function(package, name) {
  attach_package(package)
  attached <- as.environment(paste0("package:", package))
  if (exists(name, attached, inherits = FALSE)) return(get(name, attached, inherits = FALSE))
  namespace <- asNamespace(package)
  if (exists(name, namespace, inherits = FALSE)) return(get(name, namespace, inherits = FALSE))
  fail(paste0("object '", name, "' not found"),
       quote(get(reqobject, paste("package", reqpackage, sep = ":"), inherits = FALSE)))
}

session_object <- function(key, name) {
  objects <- session_environment(key)
  if (exists(name, objects, inherits = FALSE)) return(get(name, objects, inherits = FALSE))
  fail(paste0("object '", name, "' not found"),
       quote(get(reqobject, envir = sessionenv, inherits = FALSE)))
}

# A data set by name; those that share a file ("beavers") are found too.
find_data <- function(package, name) {
  find_package(package)
  if (package != settings$project) {
    lazy <- getNamespaceInfo(asNamespace(package), "lazydata")
    if (!is.null(lazy) && exists(name, lazy, inherits = FALSE)) return(get(name, lazy))
    holder <- new.env()
    suppressWarnings(utils::data(list = name, package = package, envir = holder))
    if (exists(name, holder, inherits = FALSE)) return(get(name, holder))
    attached <- tryCatch(getExportedValue(package, name), error = function(e) NULL)
    if (!is.null(attached) && !is.function(attached)) return(attached)
  }
  refuse(paste0("data set '", name, "' not found"))
}

alphabetical <- function(x) sort(unique(x))

list_packages <- function() alphabetical(c(rownames(utils::installed.packages()), settings$project))

list_objects <- function(package) {
  attach_package(package)
  alphabetical(ls(paste0("package:", package)))
}

list_data <- function(package) {
  find_package(package)
  if (identical(package, settings$project)) return(character())
  alphabetical(utils::data(package = package)$results[, "Item"])
}

package_information <- function(package) {
  path <- find_package(package)
  information <- if (identical(package, settings$project)) {
    utils::packageDescription(package, lib.loc = dirname(path))
  } else {
    library(help = package, character.only = TRUE)
  }
  file <- tempfile("info")
  on.exit(unlink(file))
  lines <- if (inherits(information, "packageInfo")) format(information) else utils::capture.output(print(information))
  paste0(paste(lines, collapse = "\n"), "\n")
}

# The formals of a function, for `larder check`: default is R source, NULL where there is none.
describe_function <- function(package, name) {
  fun <- find_object(package, name)
  if (!is.function(fun)) refuse(paste0(package, "::", name, " is not a function."), "not_a_function")
  arguments <- formals(args(fun))
  lapply(seq_along(arguments), function(i) {
    required <- identical(arguments[[i]], quote(expr = ))
    list(name = names(arguments)[i],
         default = if (!required) paste(deparse(arguments[[i]]), collapse = "\n"))
  })
}
