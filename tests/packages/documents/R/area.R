# The area below a normal density, printed with its unit.
area <- function(lower, upper, mean = 0, sd = 1) {
  structure(stats::pnorm(upper, mean, sd) - stats::pnorm(lower, mean, sd), class = "area")
}

print.area <- function(x, ...) {
  cat("area:", format(unclass(x)), "\n")
  invisible(x)
}

`%near%` <- function(x, y) abs(x - y) < 1e-8
