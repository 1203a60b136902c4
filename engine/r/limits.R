# Limits that end a call, seen from R: what code prints and draws, and what R's own errors say of the
# others. `tell`, `stop_code`, `stop_code_no_more` and `limit_words` are engine/worker.py's.

# Has whoever listens to a call know of a part as soon as it is there; what is printed they hear.
tell_part <- function(part) {
  if (inherits(part, "source")) {
    tell("source", clean(part$src))
  } else if (inherits(part, "message")) {
    tell("message", condition_headline(part))
  } else if (inherits(part, "warning")) {
    tell("warning", condition_headline(part))
  } else if (is_plot(part)) {
    tell("plot", "[[ plot ]]")
  }
}

# What R says where one of its processes runs into a limit of the kernel's.
limit_messages <- c(
  memory = paste("^cannot allocate (vector|memory|buffer)", "memory exhausted", "std::bad_alloc",
                 "Cannot allocate memory", sep = "|"),
  processes = "(cannot|unable to) (p?open|fork).*Resource temporarily unavailable"
)

# list(name, said): the limit that such an error tells of, and the words that do; NULL for any other.
limit_behind <- function(e) {
  said <- whole_message(e)
  name <- names(Filter(function(pattern) grepl(pattern, said), limit_messages))
  if (length(name)) list(name = name[1L], said = said)
}

# The limit that ended the code, as list(name, said); NULL where none did.
limit_of <- function(outcome) {
  if (!is.null(outcome$limit)) return(list(name = outcome$limit, said = ""))
  if (!is.null(outcome$error)) limit_behind(outcome$error)
}

# The session of a call that was killed at a limit: of `pieces` it printed and said until then, with
# the `error` that tells why, in the folder where it left what it wrote.
save_killed <- function(request) {
  setwd(request$folder)
  error <- simpleError(request$error)
  output <- c(lapply(request$pieces, part_of_piece), list(error))
  save_session(request, new.env(), list(output = output[lengths(output) > 0L], error = error))
}

# A plot went with the process that drew it.
part_of_piece <- function(piece) {
  text <- piece[[2L]]
  switch(piece[[1L]],
    stdout = text,
    source = structure(list(src = text), class = "source"),
    message = simpleMessage(paste0(text, "\n")),
    warning = simpleWarning(text)
  )
}
