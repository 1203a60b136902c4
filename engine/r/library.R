# Packages and what they hold, as OpenCPU shows them (its R/httpget_package_*.R). The project counts
# as a package. A lookup that fails says so in R's own words.

# A library folder of an app or a user. The packages of its URLs are looked for there alone; what
# they need is found there first.
use_library <- function(library) {
  settings$library <- library
  if (!is.null(library)) .libPaths(c(library, .libPaths()))
}

is_project <- function(package) identical(package, settings$project) && is.null(settings$library)

find_package <- function(package) {
  if (is_project(package)) return(getNamespaceInfo(package, "path"))
  path <- if (grepl("^[A-Za-z][A-Za-z0-9.]*$", package)) {
    find.package(package, lib.loc = settings$library, quiet = TRUE)
  }
  if (length(path)) return(path[[1L]])
  fail(paste0("there is no package called '", package, "'"),
       quote(find.package(pkgname, lib.loc = lib.loc)), "package_not_found")
}

fail <- function(message, call, kind = "not_found") {
  stop(structure(list(message = message, call = call, kind = kind),
                 class = c("larder_failure", "error", "condition")))
}

attach_package <- function(package) {
  path <- find_package(package)
  if (!is.null(settings$library)) make_way(package, path)
  if (paste0("package:", package) %in% search()) return(invisible())
  suppressWarnings(suppressPackageStartupMessages(
    library(package, character.only = TRUE, lib.loc = settings$library, warn.conflicts = FALSE)
  ))
}

# A script of a package finds what the package exports, as its functions do.
attach_owner <- function(path, package) {
  folder <- find.package(package, lib.loc = settings$library, quiet = TRUE)
  if (!length(folder)) return(invisible())
  home <- paste0(normalizePath(folder[1L]), "/")
  if (startsWith(normalizePath(path), home)) attach_package(package)
}

# The same package from another library goes, unless what serves this very call needs it.
make_way <- function(package, path) {
  if (!isNamespaceLoaded(package)) return(invisible())
  loaded <- getNamespaceInfo(package, "path")
  if (normalizePath(loaded) == normalizePath(path)) return(invisible())
  tryCatch(unloadNamespace(package), error = function(e) {
    refuse(paste0("The server itself uses version ", getNamespaceVersion(package), " of '", package,
                  "', so the one of this library cannot be loaded beside it."), "package_in_use")
  })
}

# An object of a package: exported, data, or internal.
find_object <- function(package, name) {
  attach_package(package)
  where <- as.environment(paste0("package:", package))
  if (!has_object(name, where)) where <- asNamespace(package)
  if (has_object(name, where)) return(get(name, where, inherits = FALSE))
  fail(missing_object(name),
       quote(get(reqobject, paste("package", reqpackage, sep = ":"), inherits = FALSE)))
}

has_object <- function(name, where) nzchar(name) && exists(name, where, inherits = FALSE)

missing_object <- function(name) {
  if (nzchar(name)) paste0("object '", name, "' not found") else "invalid first argument"
}

session_object <- function(key, name) {
  objects <- session_environment(key)
  if (has_object(name, objects)) return(get(name, objects, inherits = FALSE))
  fail(missing_object(name), quote(get(reqobject, envir = sessionenv, inherits = FALSE)))
}

# A data set by name: lazily loaded, exported by the package, or made by a file of its data folder,
# which may have another name ("beavers") and complains with a warning.
find_data <- function(package, name) {
  path <- find_package(package)
  if (is_project(package)) refuse(paste0("data set '", name, "' not found"))
  if (!is.null(settings$library)) make_way(package, path)
  lazy <- if (package != "base") getNamespaceInfo(asNamespace(package), "lazydata")
  if (!is.null(lazy) && has_object(name, lazy)) return(get(name, lazy))
  exported <- tryCatch(getExportedValue(package, name), error = function(e) NULL)
  if (!is.null(exported) && !is.function(exported)) return(exported)
  holder <- new.env()
  withCallingHandlers(
    utils::data(list = name, package = package, lib.loc = settings$library, envir = holder),
    warning = function(w) refuse(conditionMessage(w))
  )
  if (has_object(name, holder)) return(get(name, holder))
  fail(missing_object(name), quote(get(reqobject, myenv, inherits = FALSE)))
}

alphabetical <- function(x) sort(unique(x))

list_packages <- function() {
  installed <- rownames(utils::installed.packages(lib.loc = settings$library))
  alphabetical(c(installed, if (is.null(settings$library)) settings$project))
}

list_objects <- function(package) {
  attach_package(package)
  alphabetical(ls(paste0("package:", package)))
}

list_data <- function(package) {
  find_package(package)
  if (is_project(package)) return(character())
  alphabetical(utils::data(package = package, lib.loc = settings$library)$results[, "Item"])
}

package_information <- function(package) {
  path <- find_package(package)
  information <- if (is_project(package)) {
    utils::packageDescription(package, lib.loc = dirname(path))
  } else {
    library(help = package, lib.loc = settings$library, character.only = TRUE)
  }
  lines <- if (inherits(information, "packageInfo")) {
    format(information)
  } else {
    grep("^(-- File: .*)?$", utils::capture.output(print(information)), value = TRUE, invert = TRUE)
  }
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
