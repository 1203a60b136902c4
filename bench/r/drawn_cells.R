# The cells of weight_gain in a plain loop, as one would write it without Larder.
# Rscript drawn_cells.R PROJECT CELLS KIND: CELLS is a CSV with treatment and prewt; KIND is "values", which
# keeps the values and draws to nowhere, or "files", which renders each as JSON, CSV and PNG.
# Prints seconds by the clock and seconds of CPU; starting R and fitting the model are not counted.
given <- commandArgs(TRUE)
setwd(given[1])
source("models/weight_gain.R")
cells <- read.csv(given[2])
folder <- tempfile("cells")
dir.create(folder)
loadNamespace("jsonlite")

write_cell <- function(i) {
  file <- function(ending) file.path(folder, paste0(i, ending))
  png(file(".png"), width = 800, height = 600, type = "cairo")
  answer <- gain(cells$treatment[i], cells$prewt[i])
  dev.off()
  writeLines(jsonlite::toJSON(answer, pretty = TRUE, digits = 4), file(".json"))
  writeLines(jsonlite::toJSON(answer, digits = NA), file(".exact.json"))
  write.csv(answer, file(".csv"), row.names = FALSE)
}

began <- proc.time()
if (given[3] == "files") {
  for (i in seq_len(nrow(cells))) write_cell(i)
} else {
  pdf(NULL)
  answers <- lapply(seq_len(nrow(cells)), function(i) gain(cells$treatment[i], cells$prewt[i]))
  answers <- do.call(rbind, answers)
  invisible(dev.off())
}
took <- proc.time() - began
cat(took[["elapsed"]], took[["user.self"]] + took[["sys.self"]], "\n")
