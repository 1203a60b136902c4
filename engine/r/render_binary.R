# The formats that are no text: R's own, protocol buffers, other statistics packages', Arrow's, and
# files as they are.

render_rds <- function(object, name, options) {
  bytes <- written(function(mytmp) {
    do.call(function(compress = FALSE, ...) {
      saveRDS(object = object, file = mytmp, compress = compress, ...)
    }, options)
  })
  as_file(bytes, "application/r-rds", paste0(name, ".rds"))
}

render_rda <- function(object, name, options) {
  bytes <- written(function(mytmp) {
    holder <- new.env()
    assign(name, object, envir = holder)
    do.call(function(...) save(list = name, file = mytmp, envir = holder, ...), options)
  })
  as_file(bytes, "application/octet-stream", paste0(name, ".RData"))
}

render_pb <- function(object, name, options) {
  as_file(RProtoBuf::serialize_pb(object, NULL), "application/x-protobuf", paste0(name, ".pb"))
}

render_bin <- function(object, name, options) {
  bytes <- written(function(mytmp) {
    do.call(function(...) writeBin(object = object, con = mytmp, ...), options)
  })
  as_file(bytes, "application/octet-stream", paste0(name, ".bin"))
}

haven_writer <- function(writer, extension, type) {
  function(object, name, options) {
    bytes <- written(function(mytmp) {
      do.call(function(...) writer()(data = object, path = mytmp, ...), options)
    }, extension)
    as_file(bytes, type, paste0(name, extension))
  }
}

# The columns as they are here; engine/arrow_body.py writes the format.
arrow_writer <- function(format) {
  function(object, name, options) {
    if (!is.data.frame(object)) {
      refuse(paste0("The format ", format, " holds data frames; this object is of class ",
                    class(object)[[1L]], "."), "not_a_data_frame")
    }
    columns <- NULL
    bytes <- written(function(path) columns <<- write_columns(object, path))
    list(body = bytes, arrow = format, columns = columns, file = name,
         options = options[vapply(options, is_plain, NA)])
  }
}

is_plain <- function(x) (is.character(x) || is.numeric(x) || is.logical(x)) && !is.na(x)

# The object is the path of a file below `home`. That of any other is refused without a word on
# whether it exists.
render_file <- function(object, home) {
  if (!is.character(object) || length(object) != 1L || is.na(object) || is.null(home)) {
    refuse("The format file needs an object that is the path of one file.", "no_file")
  }
  path <- file_below(object, home)
  if (is.null(path)) {
    refuse(paste0("The object names no file of this ", home_kind(home), "."), "no_file")
  }
  as_file(read_bytes(path), media_type(path), NULL)
}

# By the table that OpenCPU uses too.
media_type <- function(path) {
  if (!requireNamespace("mime", quietly = TRUE)) return("application/octet-stream")
  type <- mime::guess_type(path)
  if (grepl("^text/", type)) paste0(type, "; charset=utf-8") else type
}

# NULL where there is no such file, or it is hidden.
file_below <- function(path, home) {
  if (!grepl("^[/~]", path)) path <- file.path(home, path)
  found <- suppressWarnings(normalizePath(path, mustWork = FALSE))
  root <- normalizePath(home)
  inside <- startsWith(found, paste0(root, "/"))
  below <- if (inside) substring(found, nchar(root) + 1L)
  if (inside && !grepl("/.", below, fixed = TRUE) && utils::file_test("-f", found)) found
}

home_kind <- function(home) if (grepl(key_pattern, basename(home))) "session" else "package"
