# Functions named by their one trait, for tests of the engine.

sleeps <- function(seconds) { Sys.sleep(seconds); seconds }
warns <- function() { warning("careful"); 1 }
plots <- function(n = 3) { plot(seq_len(n)); invisible(n) }
dies <- function() tools::pskill(Sys.getpid(), 11L)
quits <- function() q("no")
hungry <- function(bytes) { x <- numeric(bytes / 8); length(x) }
recursive <- function(n = 0) recursive(n + 1)
chatty <- function(lines) for (i in seq_len(lines)) cat("line", i, "\n")
doubled <- function(newdata) data.frame(value = 2 * newdata$x)
short <- function(newdata) newdata[-1, ]
draws <- function(n = 3) stats::rnorm(n)
described <- function() list(
  whole = 3L, text = "a\"b", missing = NA, nothing = NULL, tenth = 0.1, day = as.Date("2026-11-23"),
  at = as.POSIXct("2026-11-23 05:00:00", tz = "UTC"), kind = factor(c("u", "v")),
  grid = matrix(1:4, 2), table = data.frame(a = 1:2, b = c("x", NA)), big = c(a = 1, b = Inf)
)
leaves_background_process <- function() {
  system("sleep 600 >/dev/null 2>&1 & echo $!", intern = TRUE)
}
waits <- function(name) {
  while (!file.exists("go")) Sys.sleep(0.01)
  name
}
