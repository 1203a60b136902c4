# Expected weight gain of young women treated for anorexia.
#
# Data: MASS::anorexia, 72 patients weighed in lb before and after one of three treatments:
#   CBT   cognitive behavioural therapy (29 patients)
#   FT    family therapy (17)
#   Cont  control, usual care (26)
# Model: analysis of covariance. Each treatment has its own line of gain over starting weight.
#
# The model is fitted once, when this file is loaded; a call only asks it for one point.

weights_observed <- transform(
  MASS::anorexia,
  Treat = factor(as.character(Treat), levels = c("CBT", "FT", "Cont")),
  Gain = Postwt - Prewt
)

weight_model <- stats::lm(Gain ~ Treat * Prewt, data = weights_observed)

# gain("CBT", 80): the expected gain of one patient.
#
#   treatment  "CBT", "FT" or "Cont"
#   prewt      weight before treatment in lb, from 60 to 110 (observed: 70 to 95)
#   level      how likely the patient's own gain lies between lower and upper
#
# Returns a data frame of one row: treatment, prewt, gain, lower, upper (the last three in lb).
# Draws the patients of that treatment, their line with its prediction band, and the asked point.
gain <- function(treatment, prewt, level = 0.95) {
  treatment <- known_treatment(treatment)
  prewt <- number_within("prewt", prewt, 60, 110)
  level <- number_within("level", level, 0.5, 0.999)

  answer <- predict_gain(treatment, prewt, level)
  plot_gain(answer, level)
  answer
}

# One row per starting weight, with a prediction interval for a single patient.
predict_gain <- function(treatment, prewt, level) {
  asked <- data.frame(
    Treat = factor(treatment, levels = levels(weights_observed$Treat)),
    Prewt = prewt
  )
  fit <- stats::predict(weight_model, asked, interval = "prediction", level = level)
  data.frame(
    treatment = treatment,
    prewt = prewt,
    gain = fit[, "fit"],
    lower = fit[, "lwr"],
    upper = fit[, "upr"],
    row.names = NULL
  )
}

plot_gain <- function(answer, level) {
  from <- min(70, answer$prewt)
  to <- max(95, answer$prewt)
  line <- predict_gain(answer$treatment, seq(from, to, length.out = 60), level)
  patients <- weights_observed[weights_observed$Treat == answer$treatment, ]

  graphics::plot(
    c(from, to), range(weights_observed$Gain, line$lower, line$upper),
    type = "n", las = 1,
    xlab = "Weight before treatment (lb)", ylab = "Gain (lb)",
    main = sprintf("%s, %g lb: %+.1f lb expected", answer$treatment, answer$prewt, answer$gain)
  )
  graphics::polygon(
    c(line$prewt, rev(line$prewt)), c(line$lower, rev(line$upper)),
    col = "#DCE9F5", border = NA
  )
  graphics::abline(h = 0, col = "grey70", lty = 3)
  graphics::points(patients$Prewt, patients$Gain, pch = 16, col = "grey45")
  graphics::lines(line$prewt, line$gain, col = "#1F5A96", lwd = 2)
  graphics::segments(answer$prewt, answer$lower, answer$prewt, answer$upper, col = "#C8102E")
  graphics::points(answer$prewt, answer$gain, pch = 19, cex = 1.5, col = "#C8102E")
  graphics::mtext(sprintf("band: %g %% of patients", 100 * level), side = 3, cex = 0.8)
}

known_treatment <- function(treatment) {
  known <- levels(weights_observed$Treat)
  if (length(treatment) == 1 && !is.na(treatment) && treatment %in% known) {
    return(as.character(treatment))
  }
  stop(
    "treatment must be one of ", toString(dQuote(known, FALSE)), ", not ", shown(treatment),
    call. = FALSE
  )
}

number_within <- function(name, value, min, max) {
  if (is.numeric(value) && length(value) == 1 && is.finite(value) && value >= min && value <= max) {
    return(as.numeric(value))
  }
  stop(name, " must be one number from ", min, " to ", max, ", not ", shown(value), call. = FALSE)
}

# What the caller gave, short enough for a message.
shown <- function(value) {
  text <- paste(deparse(value, nlines = 1), collapse = "")
  if (nchar(text) > 60) paste0(substr(text, 1, 57), "...") else text
}
