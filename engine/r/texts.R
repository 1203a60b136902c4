# What evaluated code said, as text: in pieces, and as a console would show it.

# The pieces of text that a session offers, each as a character vector in order of appearance.
session_texts <- function(output) {
  pick <- function(class, text) {
    as.character(lapply(Filter(function(part) inherits(part, class), output), text))
  }
  texts <- list(
    messages = pick("message", whole_message),
    stdout = as.character(Filter(is.character, output)),
    warnings = pick("warning", whole_message),
    source = pick("source", function(part) sub("\n$", "", part$src)),
    console = as.character(lapply(output, console_text))
  )
  lapply(texts, clean)
}

console_text <- function(part) {
  text <- if (inherits(part, "source")) {
    paste(">", gsub("\n(?!$)", "\n+ ", part$src, perl = TRUE))
  } else if (inherits(part, "warning")) {
    paste0("Warning message:\n", trimws(condition_headline(part)))
  } else if (inherits(part, "message")) {
    paste0("Message:\n", trimws(condition_headline(part)))
  } else if (inherits(part, "error")) {
    paste0("Error:\n", condition_headline(part))
  } else if (is_plot(part)) {
    "[[ plot ]]"
  } else {
    as.character(part)
  }
  sub("\n$", "", text)
}

# Valid UTF-8, whatever bytes came: an invalid byte is written <ff>.
clean <- function(x) {
  x <- as.character(x)
  raw <- Encoding(x) == "bytes"   # R refuses to translate these
  if (any(raw)) Encoding(x[raw]) <- "UTF-8"
  x <- enc2utf8(x)
  bad <- !validUTF8(x)
  if (any(bad)) x[bad] <- iconv(x[bad], "UTF-8", "UTF-8", sub = "byte")
  x
}
