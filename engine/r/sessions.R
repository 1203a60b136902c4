# Sessions as values: a stored session is an environment of objects, and, for `key::name` in code,
# a namespace registered under its key for as long as this process lives.

settings <- new.env(parent = emptyenv())   # sessions_root, project, library, hidden

session_path <- function(key) {
  path <- file.path(settings$sessions_root, key)
  hidden <- key %in% settings$hidden   # whose session it is, R does not know
  if (hidden || !grepl(key_pattern, key) || !file.exists(file.path(path, ".larder.json"))) {
    refuse(paste("Session not found:", key), "session_not_found")
  }
  path
}

# Objects of a session, n of them, in an environment below the global one. Packages that the
# session had loaded are loaded first, from the libraries it had, so that its objects print and
# subset as they did there.
session_environment <- function(key) {
  path <- session_path(key)   # one that was deleted is gone, though it may be live still
  if (is_live(key)) return(live$objects)
  use_libraries_of(path)
  library_record <- file.path(path, ".Rpackages")
  if (file.exists(library_record)) {
    for (package in readLines(library_record)) {
      suppressMessages(tryCatch(loadNamespace(package), error = function(e) NULL))
    }
  }
  objects <- new.env(parent = globalenv())
  load(file.path(path, ".RData"), envir = objects)
  objects
}

# A session of an app or of a user's library finds its packages again; libraries may be gone by now.
use_libraries_of <- function(path) {
  record <- file.path(path, ".Rlibs")
  if (!file.exists(record)) return(invisible())
  more <- setdiff(unserialize(read_bytes(record)), .libPaths())
  more <- more[dir.exists(more)]
  if (length(more)) .libPaths(c(more, .libPaths()))
}

session_reference <- function(key, name = ".val") {
  attach_session(key)
  call("::", as.name(key), as.name(name))
}

attach_session <- function(key) {
  if (key %in% loadedNamespaces()) return(invisible())
  objects <- session_environment(key)
  make_namespace(key, objects, exports = ls(objects, all.names = TRUE))
}

# Makes `objects` a namespace that R's own `::` can read. base has no public function for this.
make_namespace <- function(name, objects, exports, path = tempdir(), version = "0.0.0") {
  info <- new.env(parent = baseenv())
  info$spec <- c(name = name, version = version)
  info$path <- path
  info$dynlibs <- NULL
  info$S3methods <- matrix(NA_character_, 0L, 4L)
  info$imports <- list(base = TRUE)
  info$lazydata <- new.env(parent = baseenv())
  info$exports <- new.env(parent = baseenv())
  for (export in exports) assign(export, export, envir = info$exports)
  assign(".__NAMESPACE__.", info, envir = objects)
  assign(".packageName", name, envir = objects)
  if (name %in% loadedNamespaces()) .Internal(unregisterNamespace(name))
  .Internal(registerNamespace(name, objects))
  invisible(objects)
}

# Namespaces that are sessions, which packageDescription() could not describe.
forget_sessions <- function() {
  for (name in grep(key_pattern, loadedNamespaces(), value = TRUE)) {
    .Internal(unregisterNamespace(name))
  }
}
