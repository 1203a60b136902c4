# Writes data/diamonds.csv: the 53,940 diamonds of ggplot2 with an id to key them by.
# The file is kept in the repository; run this again only to make it anew, from the project folder:
#   Rscript scripts/export_diamonds.R

diamonds <- as.data.frame(ggplot2::diamonds)
columns <- c("carat", "cut", "color", "clarity", "depth", "table", "price")
diamonds <- cbind(id = seq_len(nrow(diamonds)), diamonds[columns])

utils::write.csv(diamonds, "data/diamonds.csv", row.names = FALSE, quote = FALSE)
cat(nrow(diamonds), "diamonds written to data/diamonds.csv\n")
