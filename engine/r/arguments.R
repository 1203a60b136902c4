# Arguments as OpenCPU reads them (after its R/parse_arg.R): a form field is JSON, a session key,
# a constant or code. What it reads is either language, put into the call as it stands, or a value;
# short values are put into the call, others are bound to the argument's name in the session.

key_pattern <- "^x0[0-9a-f]{13,64}$"
deepest_code <- 4000L   # R's evaluator gives up at 5000, and further down its stack breaks
longest_shown <- 1000L   # characters of code that cannot be read
longest_inline <- 65536L   # bytes of a string: the call's source is kept, and shown

refuse <- function(message, kind = "bad_request") {
  stop(structure(list(message = message, call = NULL, kind = kind),
                 class = c("larder_refusal", "error", "condition")))
}

# Language and values need telling apart: a value may itself be language (`quote(a)` sent as RDS).
as_language <- function(x) list(language = TRUE, content = x)
as_value <- function(x) list(language = FALSE, content = x)

# `taken` is the name of the function that is called.
read_argument <- function(argument, taken = "") {
  value <- argument$value
  path <- input_path(value)
  switch(argument$kind,
    code = read_code(value),
    code_file = read_code(read_text_file(path)),
    data = , data_file = read_data(data_text(argument), taken),
    empty = as_language(quote(expr = )),
    text = as_value(value),
    text_file = as_value(read_text_file(path)),
    file = as_value(value),
    json = as_value(read_json(value)),
    json_file = as_value(read_json_file(path)),
    rds = as_value(read_serialized(path)),
    pb = as_value(read_protobuf(path)),
    bytes = as_value(read_bytes(path)),
    refuse(paste0("Unknown kind of argument: ", argument$kind))
  )
}

read_code <- function(text) {
  if (text %in% c("true", "TRUE")) return(as_language(TRUE))
  if (text %in% c("false", "FALSE")) return(as_language(FALSE))
  if (text %in% c("null", "NULL")) return(as_language(NULL))
  if (grepl("^\\s*[[{]", text) && jsonlite::validate(text)) return(as_value(read_json(text)))
  if (grepl(key_pattern, text)) return(as_language(session_reference(text)))
  as_language(parse_code(text))
}

read_data <- function(text, taken) {
  read <- read_code(text)
  if (read$language && !identical(read$content, quote(expr = ))) check_data(read$content, taken)
  read
}

# One expression; several statements, or an assignment by `=`, become a block whose value is the
# last.
parse_code <- function(text) {
  text <- gsub("\r\n", "\n", text, fixed = TRUE)
  parsed <- parse_or_refuse(text)
  if (length(parsed) == 0L) return(quote(expr = ))
  if (length(parsed) > 1L || is_equal_assignment(parsed[[1L]])) {
    parsed <- parse_or_refuse(paste("{", text, "}", sep = "\n"))
  }
  expr <- parsed[[1L]]
  prepare_code(expr)
  expr
}

parse_or_refuse <- function(text, shown = text) {
  tryCatch(parse(text = text, keep.source = FALSE, encoding = "UTF-8"), error = function(e) {
    if (nchar(shown) > longest_shown) shown <- paste(substr(shown, 1L, longest_shown), "...")
    refuse(paste("Unparsable argument:", shown))
  })
}

is_equal_assignment <- function(expr) is.call(expr) && identical(expr[[1L]], as.name("="))

# Makes the namespace of each `key::name` in the code: an unknown key is refused before anything
# runs. So is code in which R would break its stack; that is why this goes by levels, not into it.
prepare_code <- function(expr) {
  level <- list(expr)
  for (depth in seq_len(deepest_code)) {
    level <- level[vapply(level, typeof, "") %in% c("language", "pairlist")]
    if (!length(level)) return(invisible())
    for (part in level) if (is_reference(part)) attach_session(as.character(part[[2L]]))
    level <- unlist(lapply(level, as.list), recursive = FALSE, use.names = FALSE)
  }
  refuse("Unparsable argument: it is nested too deeply.")
}

is_reference <- function(expr) {
  is.call(expr) && length(expr) == 3L &&
    (identical(expr[[1L]], as.name("::")) || identical(expr[[1L]], as.name(":::"))) &&
    !is.call(expr[[2L]]) && grepl(key_pattern, as.character(expr[[2L]]))
}

# The value of `...` is the argument list of a call; a bare session key in it is that session's
# value.
read_dots <- function(text) {
  text <- gsub("\r\n", "\n", text, fixed = TRUE)
  source <- paste0("c(", text, ")")
  parsed <- parse_or_refuse(source)
  if (length(parsed) != 1L) refuse(paste("Unparsable argument:", source))
  arguments <- as.list(parsed[[1L]])[-1L]
  for (i in seq_along(arguments)) {
    if (is.name(arguments[[i]]) && grepl(key_pattern, as.character(arguments[[i]]))) {
      arguments[[i]] <- session_reference(as.character(arguments[[i]]))
    }
  }
  prepare_code(as.call(c(quote(c), arguments)))
  arguments
}

# A value sent for `...`: a list is a list of arguments, anything else is one of them.
spread <- function(read) {
  content <- read$content
  values <- if (is.list(content) && !is.object(content)) content else list(content)
  if (read$language) values else lapply(values, quoted)
}

# A value in the place of code; one that is code itself must not run.
quoted <- function(value) if (is.language(value)) call("quote", value) else value

is_short <- function(value) {
  is.null(value) || (is.atomic(value) && length(value) == 1L && is.null(attributes(value)) &&
                       (!is.character(value) || nchar(value, "bytes") <= longest_inline))
}

data_text <- function(argument) {
  in_file <- argument$kind %in% c("code_file", "data_file")
  if (in_file) read_text_file(input_path(argument$value)) else argument$value
}

# Those in the text of `...`.
dots_of <- function(argument, taken) {
  arguments <- read_dots(data_text(argument))
  for (i in if (argument$kind %in% c("data", "data_file")) seq_along(arguments)) {
    if (!identical(arguments[[i]], quote(expr = ))) check_data(arguments[[i]], taken)
  }
  arguments
}

source_kinds <- c("code", "code_file", "data", "data_file", "empty")

# Whether a variable can have the argument's name: none has it yet, and R takes it for one.
can_bind <- function(label, taken) {
  nzchar(label) && !label %in% taken && !grepl("^\\.\\.[0-9]+$", label)
}

# The call and the variables it needs: list(call, bound, secrets). The function's own name is taken.
build_call <- function(name, arguments, body = NULL) {
  parts <- list()
  labels <- character()
  dots <- list()
  bound <- list()
  secrets <- list()
  add <- function(label, read) {
    if (is.na(label)) label <- ""
    if (label == "...") {
      dots <<- c(dots, spread(read))
      return()
    }
    labels[length(labels) + 1L] <<- label
    parts[length(parts) + 1L] <<- if (read$language || is_short(read$content)) {
      list(read$content)
    } else if (can_bind(label, c(name, names(bound)))) {
      bound[label] <<- list(read$content)
      list(as.name(label))
    } else {
      list(quoted(read$content))
    }
  }
  for (argument in arguments) {
    if (argument$name == "..." && argument$kind %in% source_kinds) {
      dots <- c(dots, dots_of(argument, name))
    } else if (argument$kind == "secret") {
      secrets[[secret_name(argument$name)]] <- argument$value
      add(argument$name, as_language(as.name(secret_name(argument$name))))
    } else {
      add(argument$name, read_argument(argument, name))
    }
  }
  if (!is.null(body)) {
    values <- body_values(body)
    for (i in seq_along(values)) add(names(values)[i], as_value(values[[i]]))
  }
  names(parts) <- labels
  list(call = as.call(c(list(as.name(name)), parts, dots)), bound = bound, secrets = secrets)
}
