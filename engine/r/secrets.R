# Secrets among the arguments of a call: texts that its function gets and nothing else shows. In the
# call stands a name, `.secret_token`, whose value lies around the call's frame and never in it, so it
# is not saved. What code printed and said is searched for it, and an answer that holds it is refused.

held <- new.env()
held$values <- character()
shortest_hidden <- 4L   # hiding less would spoil texts that have nothing to do with it

secret_name <- function(label) paste0(".secret_", label)

# The environment around the frame of a call that gets these secrets, a list by name.
around_frame <- function(secrets) {
  held$values <- vapply(secrets, identity, "")
  if (!length(secrets)) return(globalenv())
  list2env(secrets, parent = globalenv())
}

has_secrets <- function() length(held$values) > 0L

# A text without them.
hide <- function(text) {
  for (value in held$values) {
    if (nchar(value) >= shortest_hidden) text <- gsub(value, "[hidden]", text, fixed = TRUE)
  }
  text
}

# The outcome of a call as it may be kept and shown: an error in place of an answer that holds one.
without_secrets <- function(outcome, frame) {
  if (!has_secrets()) return(outcome)
  parent.env(frame) <- globalenv()
  if (is.null(outcome$error) && holds_secret(get(".val", frame))) {
    rm(".val", envir = frame)
    outcome$error <- simpleError(paste(
      "the answer holds a secret argument, so it is not kept;",
      "a function or model that was made inside holds all that was there"
    ), call = NULL)
    outcome$output <- c(outcome$output, list(outcome$error))
  }
  outcome$output <- lapply(outcome$output, hidden_part)
  if (!is.null(outcome$error)) outcome$error <- hidden_part(outcome$error)
  if (!is.null(outcome$trace)) outcome$trace <- hide(outcome$trace)
  outcome
}

# A part of the output. A condition may hold it in the call that it came from, or in fields of its own.
hidden_part <- function(part) {
  if (is.character(part)) {
    part[] <- hide(part)
    return(part)
  }
  if (!holds_secret(part)) return(part)
  if (!inherits(part, "condition")) return("[hidden: it holds a secret argument]\n")
  structure(class = class(part), list(message = hide(condition_headline(part)), call = NULL))
}

holds_secret <- function(object) {
  bytes <- serialize(object, NULL, xdr = FALSE)
  any(vapply(held$values, function(value) {
    nchar(value) >= shortest_hidden && length(grepRaw(charToRaw(value), bytes, fixed = TRUE)) > 0L
  }, NA))
}
