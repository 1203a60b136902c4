customers <- read.csv("data/customers.csv")

dose <- function(weight, per_kg = 0.5) data.frame(mg = weight * per_kg)

churn <- function(newdata, level = 0.95) newdata$age / 100
