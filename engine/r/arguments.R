# Arguments as OpenCPU reads them (after its R/parse_arg.R): a form field is JSON, a session key,
# a constant or code. What it reads is either language, put into the call as it stands, or a value;
# short values are put into the call, others are bound to the argument's name in the session.

key_pattern <- "^x0[0-9a-f]{13,64}$"

refuse <- function(message, kind = "bad_request") {
  stop(structure(list(message = message, call = NULL, kind = kind),
                 class = c("larder_refusal", "error", "condition")))
}

# Language and values need telling apart: a value may itself be language (`quote(a)` sent as RDS).
as_language <- function(x) list(language = TRUE, content = x)
as_value <- function(x) list(language = FALSE, content = x)

read_argument <- function(argument) {
  value <- argument$value
  switch(argument$kind,
    code = read_code(value),
    empty = as_language(quote(expr = )),
    text = as_value(value),
    file = as_value(value),
    json = as_value(read_json(value)),
    rds = as_value(read_serialized(file.path(".inputs", value))),
    pb = as_value(read_protobuf(file.path(".inputs", value))),
    bytes = as_value(read_bytes(file.path(".inputs", value))),
    refuse(paste0("Unknown kind of argument: ", argument$kind))
  )
}

read_code <- function(text) {
  if (text %in% c("true", "TRUE")) return(as_language(TRUE))
  if (text %in% c("false", "FALSE")) return(as_language(FALSE))
  if (text %in% c("null", "NULL")) return(as_language(NULL))
  if (grepl("^\\s*[[{]", text) && jsonlite::validate(text)) {
    return(as_value(jsonlite::fromJSON(text)))
  }
  if (grepl(key_pattern, text)) return(as_language(session_reference(text)))
  as_language(parse_code(text))
}

# One expression; several statements, or an assignment by `=`, become a block whose value is the last.
parse_code <- function(text) {
  text <- gsub("\r\n", "\n", text, fixed = TRUE)
  parsed <- parse_or_refuse(text)
  if (length(parsed) == 0L) return(quote(expr = ))
  if (length(parsed) > 1L || is_equal_assignment(parsed[[1L]])) {
    parsed <- parse_or_refuse(paste("{", text, "}", sep = "\n"))
  }
  expr <- parsed[[1L]]
  attach_sessions(expr)
  expr
}

parse_or_refuse <- function(text, shown = text) {
  tryCatch(parse(text = text, keep.source = FALSE, encoding = "UTF-8"), error = function(e) {
    refuse(paste("Unparsable argument:", shown))
  })
}

is_equal_assignment <- function(expr) is.call(expr) && identical(expr[[1L]], as.name("="))

# The value of `...` is the argument list of a call; a bare session key in it is that session's value.
read_dots <- function(text) {
  text <- gsub("\r\n", "\n", text, fixed = TRUE)
  source <- paste0("c(", text, ")")
  parsed <- parse_or_refuse(source)
  if (length(parsed) != 1L) refuse(paste("Unparsable argument:", source))
  arguments <- as.list(parsed[[1L]])[-1L]
  for (i in seq_along(arguments)) {
    if (identical(arguments[[i]], quote(expr = ))) next
    if (is.name(arguments[[i]]) && grepl(key_pattern, as.character(arguments[[i]]))) {
      arguments[[i]] <- session_reference(as.character(arguments[[i]]))
    } else {
      attach_sessions(arguments[[i]])
    }
  }
  arguments
}

read_json <- function(text) jsonlite::fromJSON(text)

read_serialized <- function(path) {
  bytes <- read_bytes(path)
  if (length(bytes) > 1L && identical(bytes[1:2], as.raw(c(0x1f, 0x8b)))) {
    bytes <- memDecompress(bytes, "gzip")
  }
  unserialize(bytes)
}

read_protobuf <- function(path) RProtoBuf::unserialize_pb(read_bytes(path))

read_bytes <- function(path) readBin(path, raw(), n = file.size(path))

# A whole JSON body: an object whose fields are the arguments.
read_json_body <- function(text) {
  values <- tryCatch(jsonlite::fromJSON(text), error = function(e) {
    refuse(paste("Invalid JSON was posted:", conditionMessage(e)))
  })
  named_values(values)
}

named_values <- function(values) {
  if (length(values) == 0L) return(list())
  if (!is.list(values) || is.null(names(values))) {
    refuse("JSON or ProtoBuf input should be a named list.")
  }
  values
}

# The call and the variables it needs: list(call, bound).
build_call <- function(name, arguments, body = NULL) {
  parts <- list()
  dots <- list()
  bound <- list()
  add <- function(label, read) {
    inline <- read$language || is.null(read$content) ||
      (is.atomic(read$content) && length(read$content) == 1L && is.null(attributes(read$content)))
    if (!inline) bound[label] <<- list(read$content)
    parts[length(parts) + 1L] <<- list(if (inline) read$content else as.name(label))
    names(parts)[length(parts)] <<- label
  }
  for (argument in arguments) {
    if (identical(argument$name, "...") && argument$kind %in% c("code", "empty")) {
      dots <- c(dots, read_dots(if (argument$kind == "empty") "" else argument$value))
    } else {
      add(argument$name, read_argument(argument))
    }
  }
  if (!is.null(body)) {
    values <- switch(body$kind,
      json = read_json_body(body$value),
      rds = named_values(read_serialized(file.path(".inputs", body$value))),
      pb = named_values(read_protobuf(file.path(".inputs", body$value)))
    )
    for (label in names(values)) add(label, as_value(values[[label]]))
  }
  list(call = as.call(c(list(as.name(name)), parts, dots)), bound = bound)
}
