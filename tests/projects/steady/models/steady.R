# Work whose right answer a test knows without R.

product <- function(x, y) x * y

# It sleeps so that a run goes on while parts are killed, and costs little.
halved <- function(newdata) {
  Sys.sleep(0.2)
  data.frame(half = newdata$x / 2)
}
