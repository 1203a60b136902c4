area <- function(width, height = 1) data.frame(area = width * height, edge = 2 * (width + height))

moody <- function(x) {
  message("looking at ", x)
  if (x == 2) stop("no <b>twos</b> today")
  x
}

patient <- function(x) {
  Sys.sleep(1)
  x
}

double <- function(frame) data.frame(double = 2 * frame$x)
