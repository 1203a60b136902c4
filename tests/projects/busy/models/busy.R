# Work whose right answer a test knows without R.

squared <- function(x) {
  Sys.sleep(0.1)
  x * x
}

doubled <- function(newdata) {
  Sys.sleep(0.3)
  data.frame(double = 2 * newdata$x)
}

numbered <- function() 1

naps <- function(seconds) {
  Sys.sleep(seconds)
  seconds
}

# A session of many parts: a value, printed lines, a picture and files.
keepsake <- function(text, files = 20) {
  plot(seq_len(files), main = text)
  for (i in seq_len(files)) {
    writeLines(rep(paste(text, i), 1000), sprintf("part%02d.txt", i))
    Sys.sleep(0.01)
  }
  cat(rep(text, 100), sep = "\n")
  invisible(text)
}

waits <- function(text) {
  while (!file.exists("go")) Sys.sleep(0.01)
  text
}
