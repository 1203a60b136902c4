# Objects in the formats of OpenCPU (its R/httpget_object_*.R): one small function a format. Each
# takes the object, the name to give a file and the options of the query, and returns
# list(body = raw or text, type, file = name for a download).

text_type <- "text/plain; charset=utf-8"

render <- function(object, name, format, options = list()) {
  writer <- formats[[format]]
  if (is.null(writer)) {
    refuse(paste("Invalid output format for objects:", format), "unknown_format")
  }
  writer(object, name, read_options(options))
}

# Options read as R constants where they are, else stay text; they have to parse.
read_options <- function(options) lapply(options, read_option)

read_option <- function(text) {
  if (text %in% c("true", "false")) return(text == "true")
  parsed <- parse_or_refuse(text)
  if (length(parsed) != 1L) return(text)
  value <- parsed[[1L]]
  if (is.call(value) && identical(value[[1L]], as.name("-")) && is.numeric(value[[2L]])) {
    return(-value[[2L]])
  }
  if (is.atomic(value)) value else text
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
  options(max.print = if (is.null(options$max.print)) 1000L else options$max.print)
  options$max.print <- NULL
  as_text(printed(do.call(print_or_show, c(list(object), options), quote = TRUE)))
}

print_or_show <- function(x, ...) if (isS4(x)) methods::show(x) else print(x, ...)

render_text <- function(object, name, options) {
  as_text(paste0(paste(unlist(object), collapse = "\n"), "\n"))
}

render_ascii <- function(object, name, options) {
  as_text(paste0(paste(do.call(deparse, c(list(object), options), quote = TRUE), collapse = "\n"), "\n"))
}

render_md <- function(object, name, options) {
  as_text(printed(do.call(pander::pander, c(list(object), options), quote = TRUE)))
}

render_tab <- function(object, name, options) {
  table_writer <- function(object, file, quote = TRUE, sep = " ", eol = "\r\n", na = "", dec = ".",
                           row.names = FALSE, col.names = TRUE, ...) {
    utils::write.table(object, file, quote = quote, sep = sep, eol = eol, na = na, dec = dec,
                       row.names = as.logical(row.names), col.names = col.names, ...)
  }
  bytes <- written(function(path) do.call(table_writer, c(list(object, path), options)))
  as_file(bytes, text_type, paste0(name, ".tab"))
}

render_csv <- function(object, name, options) {
  csv_writer <- function(object, file, row.names = FALSE, eol = "\r\n", na = "", ...) {
    utils::write.csv(object, file, row.names = as.logical(row.names), eol = eol, na = na, ...)
  }
  bytes <- written(function(path) do.call(csv_writer, c(list(object, path), options)))
  as_file(bytes, "text/csv; charset=utf-8", paste0(name, ".csv"))
}

render_json <- function(object, name, options) {
  if (is.function(object)) object <- deparse(object)
  defaults <- list(pretty = TRUE, digits = settings$json_digits)
  defaults <- defaults[setdiff(names(defaults), names(options))]
  text <- do.call(jsonlite::toJSON, c(list(object), options, defaults), quote = TRUE)
  as_text(paste0(text, "\n"), "application/json")
}

render_ndjson <- function(object, name, options) {
  bytes <- written(function(path) {
    connection <- file(path, "wb")
    on.exit(close(connection))
    do.call(jsonlite::stream_out, c(list(object, connection, verbose = FALSE), options), quote = TRUE)
  })
  as_file(c(bytes, charToRaw("\n")), "application/x-ndjson; charset=utf-8", NULL)
}

render_rds <- function(object, name, options) {
  bytes <- do.call(serialize, c(list(object, NULL), options[intersect(names(options), c("ascii", "version"))]), quote = TRUE)
  as_file(bytes, "application/r-rds", paste0(name, ".rds"))
}

render_rda <- function(object, name, options) {
  bytes <- written(function(path) {
    holder <- new.env()
    assign(name, object, envir = holder)
    do.call(save, c(list(list = name, envir = holder, file = path), options))
  })
  as_file(bytes, "application/octet-stream", paste0(name, ".RData"))
}

render_pb <- function(object, name, options) {
  as_file(RProtoBuf::serialize_pb(object, NULL), "application/x-protobuf", paste0(name, ".pb"))
}

render_bin <- function(object, name, options) {
  bytes <- do.call(writeBin, c(list(object, raw()), options), quote = TRUE)
  as_file(bytes, "application/octet-stream", paste0(name, ".bin"))
}

haven_writer <- function(writer, extension, type) {
  function(object, name, options) {
    bytes <- written(function(path) do.call(writer(), c(list(object, path), options), quote = TRUE),
                     extension)
    as_file(bytes, type, paste0(name, extension))
  }
}

formats <- list(
  print = render_print, text = render_text, ascii = render_ascii, md = render_md,
  json = render_json, ndjson = render_ndjson, csv = render_csv, tab = render_tab,
  rds = render_rds, rda = render_rda, pb = render_pb, bin = render_bin,
  spss = haven_writer(function() haven::write_sav, ".sav", "application/spss-sav"),
  sas = haven_writer(function() haven::write_sas, ".sas7bdat", "application/sas7bdat"),
  stata = haven_writer(function() haven::write_dta, ".dta", "application/stata-dta"),
  png = function(object, name, options) draw(function() show_drawing(object), "png", name, options),
  svg = function(object, name, options) draw(function() show_drawing(object), "svg", name, options),
  svglite = function(object, name, options) draw(function() show_drawing(object), "svglite", name, options),
  pdf = function(object, name, options) draw(function() show_drawing(object), "pdf", name, options)
)

# The formats of a call's outputs: `.val` in an object format, or the last plot.
drawing_formats <- c("png", "svg", "svglite", "pdf")

render_outputs <- function(outputs, frame, outcome) {
  bodies <- list()
  for (output in outputs) {
    bodies[[output$label]] <- tryCatch(
      render_output(output, frame, outcome),
      error = function(e) list(error = error_text(e), kind = e$kind)
    )
  }
  bodies
}

render_output <- function(output, frame, outcome) {
  if (output$format == "exact") return(list(exact = get(".val", frame)))
  if (output$format == "console") {
    texts <- as.character(lapply(outcome$output, console_text))
    return(as_text(paste(clean(texts), collapse = "\n")))
  }
  if (output$format %in% drawing_formats) {
    plots <- Filter(is_plot, outcome$output)
    if (!length(plots)) refuse("Function call did not generate any graphics", "no_graphics")
    return(draw_plot(plots[[length(plots)]], output$format, "output", output$options))
  }
  render(get(".val", frame), "object", output$format, output$options)
}
