# Predicted price of diamonds.
#
# The model is an additive one (mgcv): the logarithm of the price is a smooth curve of weight,
# depth and table plus an effect of cut, color and clarity. scripts/fit_price_model.R fits it to
# data/diamonds.csv and keeps it in data/price_model.rds; here it is only read, once, when this
# file is loaded.

loadNamespace("mgcv")  # now rather than in the first call

price_model <- readRDS("data/price_model.rds")

# diamond_price(newdata): what diamonds such as these are sold for.
#
#   newdata  a data frame, one diamond per row, with the columns
#              carat    weight in carats
#              cut      "Fair", "Good", "Very Good", "Premium", "Ideal"
#              color    "D" (best) to "J"
#              clarity  "I1" (worst), "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"
#              depth    height as a percentage of the mean diameter
#              table    width of the flat top as a percentage of the widest point
#            Other columns (an id, the price that was paid) are ignored.
#
# Returns a data frame with one row per diamond, in the same order: predicted_price, the median
# price to expect, and lower and upper, between which 95 % of such diamonds are sold; all in
# US dollars. A diamond with something missing is answered NA. The answer for a diamond does not
# depend on the other rows.
diamond_price <- function(newdata) {
  diamonds <- checked_diamonds(newdata)
  log_price <- mgcv::predict.gam(price_model, diamonds, se.fit = TRUE)

  # A single diamond scatters around the curve, and the curve itself is uncertain.
  spread <- sqrt(log_price$se.fit^2 + price_model$sig2)
  reach <- stats::qnorm(0.975) * spread
  data.frame(
    predicted_price = round(exp(as.numeric(log_price$fit)), 2),
    lower = round(exp(as.numeric(log_price$fit - reach)), 2),
    upper = round(exp(as.numeric(log_price$fit + reach)), 2)
  )
}

# The columns the model needs, numbers as numbers and grades as the model's own factors.
checked_diamonds <- function(newdata) {
  grades <- price_model$xlevels
  measures <- c("carat", "depth", "table")
  if (!is.data.frame(newdata)) {
    stop("newdata must be a data frame with one diamond per row", call. = FALSE)
  }
  absent <- setdiff(c(measures, names(grades)), names(newdata))
  if (length(absent) > 0) {
    stop("newdata lacks the column(s) ", toString(absent), call. = FALSE)
  }
  diamonds <- as.list(newdata[c(measures, names(grades))])
  for (name in measures) {
    if (!is.numeric(diamonds[[name]]) && !all(is.na(diamonds[[name]]))) {
      stop("newdata$", name, " must be numeric", call. = FALSE)
    }
    diamonds[[name]] <- as.numeric(diamonds[[name]])
  }
  # Without a weight there is no logarithm: 0 and below count as not known.
  diamonds$carat[!is.na(diamonds$carat) & diamonds$carat <= 0] <- NA
  for (name in names(grades)) {
    given <- as.character(diamonds[[name]])
    unknown <- setdiff(given, c(grades[[name]], NA))
    if (length(unknown) > 0) {
      stop(
        "newdata$", name, " may be ", toString(grades[[name]]), ", not ",
        toString(utils::head(unknown, 3)), call. = FALSE
      )
    }
    diamonds[[name]] <- factor(given, levels = grades[[name]])
  }
  as.data.frame(diamonds)
}
