# The cells of bench_cells in a plain loop, then all answers in one table of SQLite.
# Rscript cells.R PROJECT CELLS OUT: prints seconds by the clock and seconds of CPU; starting R is not
# counted.
given <- commandArgs(TRUE)
setwd(given[1])
source("models/bench_jobs.R")
loadNamespace("RSQLite")
cells <- expand.grid(x = seq_len(as.integer(given[2]) / 10), y = 1:10)

began <- proc.time()
answers <- lapply(seq_len(nrow(cells)), function(i) bench_cell(cells$x[i], cells$y[i]))
answers <- cbind(cells, do.call(rbind, answers))
database <- DBI::dbConnect(RSQLite::SQLite(), given[3])
DBI::dbWriteTable(database, "answers", answers)
DBI::dbDisconnect(database)
took <- proc.time() - began
cat(took[["elapsed"]], took[["user.self"]] + took[["sys.self"]], "\n")
