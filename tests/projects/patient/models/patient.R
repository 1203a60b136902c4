# Calls that take as long as a test wants: they tell which process they are, and end when a file,
# their gate, is there.

waits <- function(gate, say = "begun\n") {
  cat(say)
  tell(gate, "pid", Sys.getpid())
  while (!file.exists(gate)) Sys.sleep(0.02)
  cat("ended\n")
  basename(gate)
}

kept <- function(gate) data.frame(gate = waits(gate))

scored <- function(newdata) {
  for (gate in newdata$gate) waits(gate)
  data.frame(score = nchar(newdata$gate))
}

fails <- function(gate) {
  waits(gate)
  stop("no luck")
}

dies <- function(gate) {
  waits(gate)
  tools::pskill(Sys.getpid(), tools::SIGKILL)
}

# With a process behind it that outlives it, unless somebody ends that too.
spawns <- function(gate) {
  child <- system("sleep 1000 > /dev/null 2>&1 & echo $!", intern = TRUE)
  tell(gate, "child", child)
  waits(gate)
}

slow_to_print <- function(gate) invisible(structure(list(gate = gate), class = "patient"))

registerS3method("print", "patient", function(x, ...) waits(x$gate))

tell <- function(gate, what, text) {
  aside <- paste0(gate, ".aside")
  writeLines(as.character(text), aside)
  invisible(file.rename(aside, paste0(gate, ".", what)))
}
