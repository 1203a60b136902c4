# The project's models as one package: models/*.R sourced once, in alphabetical order, into a
# namespace named after the project. Every function whose name does not start with a dot is
# exported; `scoring::gain(...)`, `library(scoring)` and help on its DESCRIPTION work as for an
# installed package.

# Libraries of what was installed through Larder come last: they add packages and hide none. R's own
# .libPaths() would put them first. Returns those that were there before.
add_libraries <- function(paths) {
  before <- .libPaths()
  assign(".lib.loc", unique(c(before, unlist(paths))), envir = environment(.libPaths))
  before
}

load_project <- function(name, folder, state_folder) {
  files <- sort(list.files(file.path(folder, "models"), pattern = "\\.[Rr]$", full.names = TRUE))
  namespace <- new.env(parent = new_imports())
  old <- setwd(folder)
  on.exit(setwd(old))
  for (file in files) source_model(file, folder, namespace)
  exports <- Filter(function(n) is.function(get(n, namespace)), ls(namespace))
  # Compiled here once; left to R, every child would compile them again at their third call.
  for (name_of in exports) {
    assign(name_of, compiler::cmpfun(get(name_of, namespace)), envir = namespace)
  }
  path <- describe_project(name, state_folder)
  make_namespace(name, namespace, exports, path = path)
  attach_project(name, mget(exports, envir = namespace))
  exports
}

# base and the default packages are found as in a script; imports come before the search path.
new_imports <- function() {
  imports <- new.env(parent = .BaseNamespaceEnv)
  attr(imports, "name") <- "imports:project"
  imports
}

# A broken file is named with its line: "models/gain.R:12: unexpected symbol".
source_model <- function(file, folder, namespace) {
  shown <- file.path("models", basename(file))
  expressions <- tryCatch(parse(file, keep.source = TRUE, encoding = "UTF-8"), error = function(e) {
    message <- sub("^.*?:([0-9]+):([0-9]+): ", paste0(shown, ":\\1:\\2: "), conditionMessage(e))
    stop(message, call. = FALSE)
  })
  lines <- utils::getSrcref(expressions)
  for (i in seq_along(expressions)) {
    tryCatch(eval(expressions[[i]], namespace), error = function(e) {
      stop(paste0(shown, ":", as.integer(lines[[i]])[1L], ": ", conditionMessage(e)), call. = FALSE)
    })
  }
}

# A folder with what packageDescription() and library(help =) read of an installed package.
describe_project <- function(name, state_folder) {
  path <- file.path(state_folder, "package", name)
  dir.create(file.path(path, "Meta"), recursive = TRUE, showWarnings = FALSE)
  built <- list(R = getRversion(), Platform = "", Date = format(Sys.time(), tz = "UTC"), OStype = "unix")
  description <- c(
    Package = name, Version = "0.0.0", Title = paste("Models of the project", name),
    Description = "The functions of models/*.R.",
    Built = paste0("R ", getRversion(), "; ; ", format(Sys.time(), tz = "UTC"), "; unix")
  )
  write.dcf(as.list(description), file.path(path, "DESCRIPTION"))
  saveRDS(list(DESCRIPTION = description, Built = built), file.path(path, "Meta", "package.rds"))
  path
}

# What library(project) would put on the search path.
attach_project <- function(name, exported) {
  position <- paste0("package:", name)
  if (position %in% search()) detach(position, character.only = TRUE)
  attach(exported, name = position, warn.conflicts = FALSE)
}
