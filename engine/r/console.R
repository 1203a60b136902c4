# What code printed, as engine/console.py keeps it: `text` holds the bytes, `written` tells how many
# came. R's own functions change neither, so both are to be read anew each time.

console <- new.env(parent = emptyenv())

# `room` is how many bytes `text` has.
use_console <- function(text, written, room) {
  console$text <- text
  console$written <- written
  console$room <- room
}

# How many bytes were printed so far in this request.
printed_so_far <- function() console$written[1L]

# The texts between n + 1 such positions, n strings in UTF-8. What came when there was no room left
# is missing.
printed_between <- function(positions) {
  ends <- pmin(positions, kept_bytes())
  sizes <- as.integer(c(ends[1L], diff(ends)))   # what came before the first is read, and left
  texts <- character(length(sizes))
  texts[sizes > 0L] <- readChar(console$text, sizes[sizes > 0L], useBytes = TRUE)
  Encoding(texts) <- "UTF-8"
  texts[-1L]
}

# Where there was no room for all, the last character may lack some of its bytes.
kept_bytes <- function() {
  if (!output_was_dropped()) return(printed_so_far())
  last <- as.integer(utils::tail(console$text, 4L))
  begins <- which(last < 0x80L | last >= 0xc0L)
  console$room - if (length(begins)) length(last) + 1L - max(begins) else 0L
}

output_was_dropped <- function() printed_so_far() > console$room

with_commas <- function(n) format(n, big.mark = ",", scientific = FALSE)
