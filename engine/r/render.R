# Objects in the formats of OpenCPU (its R/httpget_object.R): one small function a format. Each
# takes the object, the name to give a file and the options of the query, and returns
# list(body = raw or text, type, file = name for a download). R's errors show the calls that
# OpenCPU's would show: hence `object` and `mytmp`.

write.csv <- utils::write.csv
write.table <- utils::write.table

text_type <- "text/plain; charset=utf-8"

# `home` is the folder whose files the format `file` may answer: the session's or the package's.
render <- function(object, name, format, options = list(), home = NULL) {
  if (format == "file") return(render_file(object, home))
  writer <- formats[[format]]
  if (is.null(writer)) {
    refuse(paste("Invalid output format for objects:", format), "unknown_format")
  }
  writer(object, name, read_options(options))
}

# Runs a writer that prints, n lines of text.
printed <- function(expr) paste0(paste(utils::capture.output(expr), collapse = "\n"), "\n")

# Runs a writer that needs a file; its bytes.
written <- function(write, extension = "") {
  path <- tempfile("render", fileext = extension)
  on.exit(unlink(path))
  write(path)
  if (file.exists(path)) read_bytes(path) else raw()
}

as_text <- function(text, type = text_type, file = NULL) {
  list(body = charToRaw(enc2utf8(paste(text, collapse = "\n"))), type = type, file = file)
}

as_file <- function(bytes, type, file) list(body = bytes, type = type, file = file)

render_print <- function(object, name, options) {
  write <- function(..., max.print = 1000L) {
    old <- options(max.print = max.print)
    on.exit(options(old))
    print(x = object, ...)
  }
  as_text(printed(do.call(write, without_places(options))))
}

# Options are of no use here: OpenCPU's would be printed before the text.
render_text <- function(object, name, options) as_text(unlist(object))

render_ascii <- function(object, name, options) {
  as_text(paste0(paste(deparse(object), collapse = "\n"), "\n"))
}

render_md <- function(object, name, options) {
  write <- function(...) pander::pander(x = object, ...)
  as_text(printed(do.call(write, without_places(options))))
}

render_tab <- function(object, name, options) {
  bytes <- written(function(mytmp) {
    do.call(function(row.names = FALSE, eol = "\r\n", na = "", ...) {
      write.table(x = object, file = mytmp, row.names = as.logical(row.names), eol = eol, na = na, ...)
    }, options)
  })
  as_file(bytes, text_type, paste0(name, ".tab"))
}

render_csv <- function(object, name, options) {
  bytes <- written(function(mytmp) {
    do.call(function(row.names = FALSE, eol = "\r\n", na = "", ...) {
      write.csv(x = object, file = mytmp, row.names = as.logical(row.names), eol = eol, na = na, ...)
    }, options)
  })
  as_file(bytes, "text/csv; charset=utf-8", paste0(name, ".csv"))
}

render_json <- function(object, name, options) {
  refuse_indent(options)
  if (is.function(object)) object <- deparse(object)
  if (is.null(options[["digits"]])) options$digits <- settings$json_digits
  text <- do.call(function(pretty = TRUE, ...) {
    jsonlite::toJSON(x = object, pretty = pretty, ...)
  }, options)
  as_text(c(text, ""), "application/json")
}

render_ndjson <- function(object, name, options) {
  refuse_indent(options)
  bytes <- written(function(mytmp) {
    connection <- file(mytmp, "wb")
    on.exit(close(connection))
    do.call(function(verbose = FALSE, ...) {
      jsonlite::stream_out(x = object, con = connection, verbose = verbose, ...)
    }, options)
  })
  as_file(c(bytes, charToRaw("\n")), "application/x-ndjson; charset=utf-8", NULL)
}
