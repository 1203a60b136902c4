#%% an S3 print method
x <- structure(list(a = 1), class = "thing")
print.thing <- function(x, ...) cat("<thing>\n")
x
#%% an S3 print method without end of line
x <- structure(list(a = 1), class = "thing")
print.thing <- function(x, ...) cat("<thing>")
x
x
#%% an S3 print method that warns
x <- structure(1, class = "thing")
print.thing <- function(x, ...) { cat("before\n"); warning("odd thing"); cat("after\n") }
x
#%% an S3 print method that tells
x <- structure(1, class = "thing")
print.thing <- function(x, ...) { message("a thing"); cat("it\n"); invisible(x) }
x
#%% an S3 print method that fails
x <- structure(1, class = "thing")
print.thing <- function(x, ...) { cat("half"); stop("cannot print") }
x
y <- 2
#%% an S3 print method that draws
x <- structure(1:3, class = "thing")
print.thing <- function(x, ...) { cat("drawn\n"); plot(unclass(x)); cat("done\n") }
x
#%% format and toString
x <- structure(1, class = "thing")
format.thing <- function(x, ...) "<formatted>"
print(format(x))
toString(1:3)
#%% an S4 object
setClass("P", representation(x = "numeric"))
new("P", x = 1)
#%% an S4 show method
setClass("P", representation(x = "numeric"))
setMethod("show", "P", function(object) cat("<P ", object@x, ">\n", sep = ""))
new("P", x = 2)
#%% an S4 show method without end of line
setClass("P", representation(x = "numeric"))
setMethod("show", "P", function(object) cat("<P>"))
p <- new("P", x = 2)
p
p
#%% an S4 show method that fails
setClass("P", representation(x = "numeric"))
setMethod("show", "P", function(object) stop("cannot show"))
new("P", x = 2)
#%% an S4 show method that warns
setClass("P", representation(x = "numeric"))
setMethod("show", "P", function(object) { cat("P\n"); warning("shown") })
new("P", x = 2)
#%% S4 printed by print
setClass("P", representation(x = "numeric"))
setMethod("show", "P", function(object) cat("<P>\n"))
print(new("P", x = 2))
#%% S4 made but not shown
setClass("P", representation(x = "numeric"))
p <- new("P", x = 1)
isVirtualClass("P")
#%% an S4 generic
setGeneric("area", function(shape) standardGeneric("area"))
setClass("Square", representation(side = "numeric"))
setMethod("area", "Square", function(shape) shape@side^2)
area(new("Square", side = 3))
#%% a validity error
setClass("Q", representation(x = "numeric"), validity = function(object) "never valid")
new("Q", x = 1)
#%% an S4 list
setClass("L", contains = "list")
new("L", list(1, 2))
#%% a reference class
A <- setRefClass("A", fields = list(n = "numeric"), methods = list(
  add = function() { n <<- n + 1; invisible(.self) }
))
a <- A$new(n = 1)
a$add()
a$n
a
#%% a reference class with a show method
A <- setRefClass("A", fields = list(n = "numeric"), methods = list(
  show = function() cat("<A", n, ">\n")
))
A$new(n = 3)
#%% summary with a print method
summary(lm(dist ~ speed, cars))
#%% a list with a class prints in full
structure(list(a = 1), class = "record")
#%% a matrix of S4 numbers
library(Matrix)
Matrix(c(1, 0, 0, 1), 2)
#%% a formal method of an S3 class
setOldClass("old")
setMethod("show", "old", function(object) cat("old\n"))
structure(list(), class = "old")
#%% a time series
ts(1:5, start = 2020)
#%% a difftime
as.Date("2026-01-02") - as.Date("2026-01-01")
#%% a numeric version
packageVersion("base") > "4.0"
#%% noquote and encodeString
noquote("a")
noquote(c(x = "a", y = "b"))
