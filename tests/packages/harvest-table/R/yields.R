# The rows of some varieties and years; of all varieties when none is named.
yields <- function(variety = NULL, from = 2019, to = 2024) {
  rows <- harvestbook::harvest
  if (from > to) stop("the first year, ", from, ", is after the last, ", to)
  if (!is.null(variety)) {
    unknown <- setdiff(variety, rows$variety)
    if (length(unknown)) stop("no such variety: ", paste(unknown, collapse = ", "))
    rows <- rows[rows$variety %in% variety, ]
  }
  rows[rows$year >= from & rows$year <= to, ]
}

# A line for each variety.
plot_yields <- function(variety = NULL, from = 2019, to = 2024, colour = "darkred") {
  rows <- yields(variety, from, to)
  plot(range(rows$year), c(0, max(rows$kg)), type = "n", xlab = "year", ylab = "kg")
  grid()
  for (one in split(rows, rows$variety)) {
    lines(one$year, one$kg, col = colour)
    points(one$year, one$kg, col = colour, pch = 19)
  }
  invisible(nrow(rows))
}

# An uploaded file with the columns of the data set.
read_yields <- function(file, header = TRUE) {
  rows <- read.csv(file, header = header)
  missing <- setdiff(c("year", "variety", "kg"), names(rows))
  if (length(missing)) stop("the file has no column ", paste(missing, collapse = ", "))
  rows
}

# What each variety gave in all years together.
totals <- function(rows = harvestbook::harvest) aggregate(kg ~ variety, data = rows, FUN = sum)
