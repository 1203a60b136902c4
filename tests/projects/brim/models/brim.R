# Each runs into the limit of its name, as far as R lets it, and says so before.

fills <- function(limit) {
  cat("filling", limit, "\n")
  message("it is ", limit)
  cat("kept", file = "left.txt")
  get(limit)()
}

rests <- function() fills("timeout")

timeout <- function() Sys.sleep(60)

# None of them takes as much as may be taken.
memory <- function() {
  parallel::mclapply(1:4, function(i) {
    held <- rep(0.5 * i, 2.6e7)
    Sys.sleep(60)
    length(held)
  }, mc.cores = 4)
}

allocation <- function() numeric(1e9)

cpu_time <- function() {
  parallel::mclapply(1:2, function(i) repeat sqrt(i), mc.cores = 2)
}

file_size <- function() {
  file <- file("large", "wb")
  repeat writeBin(raw(1e5), file)
}

disk <- function() {
  dir.create("many")
  for (i in seq_len(1e6)) {
    cat(i, file = file.path("many", i))
    if (i %% 100 == 0) Sys.sleep(0.02)
  }
}

processes <- function() parallel::mclapply(1:60, function(i) Sys.sleep(60), mc.cores = 60)

output <- function() repeat cat("more and more\n")

plots <- function() for (i in seq_len(1e6)) plot(i)
