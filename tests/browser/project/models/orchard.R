# What the pages of the browser's tests call.

juice <- function(apples, share = 0.6) data.frame(apples = apples, litres = apples * share)
seen <- function(value, file = NULL, n = NULL) utils::capture.output(utils::str(value))
at_least <- function(rows, column, least) rows[rows[[column]] >= least, ]
ripening <- function(days = 10) {
  plot(seq_len(days), cumsum(seq_len(days)), type = "b", main = "Ripening", xlab = "day")
  plot(rev(seq_len(days)), main = "Days left")
  invisible(days)
}
spoils <- function(crate) stop("crate ", crate, " has spoiled")
noted <- function(text) {
  cat("noting:", text, "\n")
  message("ink is low")
  writeLines(text, "note.txt")
  nchar(text)
}
