# All rows in one call, then all answers in one table of SQLite.
# Rscript rows.R TABLE OUT: prints seconds by the clock and seconds of CPU; starting R is not counted.
given <- commandArgs(TRUE)
source(file.path(dirname(given[1]), "..", "models", "bench_jobs.R"))
loadNamespace("RSQLite")

began <- proc.time()
table <- read.csv(given[1])
answers <- cbind(id = table$id, bench_rows(table))
database <- DBI::dbConnect(RSQLite::SQLite(), given[2])
DBI::dbExecute(database, "CREATE TABLE answers (id INTEGER PRIMARY KEY, price REAL, lower REAL, upper REAL)")
DBI::dbWriteTable(database, "answers", answers, append = TRUE)
DBI::dbDisconnect(database)
took <- proc.time() - began
cat(took[["elapsed"]], took[["user.self"]] + took[["sys.self"]], "\n")
