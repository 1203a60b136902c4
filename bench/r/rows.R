# All diamonds in one call. Rscript rows.R PROJECT OUT: prints seconds by the clock and seconds of CPU
# for reading the table and calling the model; starting R and loading the model are not counted, nor
# is handing the numbers over in OUT.
given <- commandArgs(TRUE)
setwd(given[1])
source("models/diamond_price.R")

began <- proc.time()
diamonds <- read.csv("data/diamonds.csv")
prices <- diamond_price(diamonds)
took <- proc.time() - began
cat(took[["elapsed"]], took[["user.self"]] + took[["sys.self"]], "\n")

out <- file(given[2], "wb")
writeBin(as.numeric(c(diamonds$id, unlist(prices, use.names = FALSE))), out)
close(out)
