# Fits the price model to data/diamonds.csv and keeps it in data/price_model.rds.
# Run it again when the data change, from the project folder:
#   Rscript scripts/fit_price_model.R

# Worst grade first, except color, which runs from the best (D) to the worst (J).
grades <- list(
  cut = c("Fair", "Good", "Very Good", "Premium", "Ideal"),
  color = LETTERS[4:10],
  clarity = c("I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF")
)

diamonds <- utils::read.csv("data/diamonds.csv")
for (name in names(grades)) {
  diamonds[[name]] <- factor(diamonds[[name]], levels = grades[[name]])
}

# The price is modelled on its logarithm: effects multiply, and errors are percentages.
# Depth and table have a few absurd values in the data, so their curves are kept stiff.
model <- mgcv::bam(
  log(price) ~ s(log(carat), k = 20) + s(depth, k = 5) + s(table, k = 5) + cut + color + clarity,
  data = diamonds, discrete = TRUE
)
described <- summary(model)

# Only what predict() reads is kept: no copy of the data, no matrices of the fit, no environments.
needed <- c(
  "coefficients", "Vp", "sig2", "smooth", "formula", "pred.formula", "terms", "pterms", "nsdf",
  "assign", "xlevels", "contrasts", "family", "cmX", "var.summary", "pred.names"
)
slim <- unclass(model)[intersect(needed, names(model))]
for (name in c("formula", "pred.formula", "terms", "pterms")) {
  if (!is.null(slim[[name]])) attr(slim[[name]], ".Environment") <- globalenv()
}
slim$family <- slim$family[c("family", "link")]
# Class "gam" alone: bam's own predict() rounds its input by the other rows it is given.
class(slim) <- c("gam", "glm", "lm")

# The slimmed model must answer exactly as the fitted one does.
some <- diamonds[seq(1, nrow(diamonds), by = 500), ]
full <- model
class(full) <- class(slim)
stopifnot(all.equal(
  mgcv::predict.gam(slim, some, se.fit = TRUE),
  mgcv::predict.gam(full, some, se.fit = TRUE)
))

saveRDS(slim, "data/price_model.rds", compress = "xz")
cat(sprintf(
  "%d diamonds, R squared %.3f on the log price; data/price_model.rds has %.0f kB\n",
  nrow(diamonds), described$r.sq, file.size("data/price_model.rds") / 1024
))
