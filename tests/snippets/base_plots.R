#%% a plot
plot(1:3)
#%% a plot in a function
f <- function() plot(1:3)
f()
#%% two plots
plot(1:3)
plot(3:1)
#%% two plots in a statement
{ plot(1:3); plot(3:1) }
#%% two plots on a line
plot(1:3); plot(3:1)
#%% the same plot twice
plot(1:3)
plot(1:3)
#%% the same plot twice in a statement
for (i in 1:2) plot(1:3)
#%% plots in a loop
for (i in 1:4) plot(seq_len(i))
#%% plots in a loop with output
for (i in 1:3) { cat("before", i, "\n"); plot(seq_len(i)); cat("after", i, "\n") }
#%% a plot and output
cat("before\n")
plot(1:3)
cat("after\n")
#%% a plot and output in a statement
{ cat("before\n"); plot(1:3); cat("after\n") }
#%% a plot and a value
{ plot(1:3); 5 }
#%% a plot and a message
{ plot(1:3); message("drawn"); plot(3:1) }
#%% a plot and a warning
{ plot(1:3); warning("drawn") }
#%% a plot that warns
plot(c(-1, 1), log = "y")
#%% a plot with an invisible value
x <- hist(c(1, 2, 2, 3))
#%% a plot with a visible value
hist(c(1, 2, 2, 3), plot = FALSE)$counts
barplot(1:3)
#%% points are added
plot(1:3)
points(2, 2)
#%% points are added in the same statement
{ plot(1:3); points(2, 2) }
#%% many things are added
plot(1:3)
lines(3:1)
abline(h = 2)
text(2, 2, "here")
title("Title")
legend("top", legend = "a", pch = 1)
#%% a thing is added after output
plot(1:3)
cat("between\n")
points(2, 2)
#%% a thing is added after another plot
plot(1:3)
plot(3:1)
points(2, 2)
#%% an axis and a box
plot(1:3, axes = FALSE)
axis(1)
box()
#%% par alone draws nothing
par(mar = c(1, 1, 1, 1))
#%% par before a plot
par(mar = c(2, 2, 1, 1))
plot(1:3)
#%% par after a plot
plot(1:3)
par(mar = c(1, 1, 1, 1))
#%% par after a plot, then another
plot(1:3)
par(mar = c(1, 1, 1, 1))
plot(3:1)
#%% par as a value
par("mfrow")
#%% par saved and restored
old <- par(mar = c(1, 1, 1, 1))
plot(1:3)
par(old)
#%% par saved and restored in a function
f <- function() { old <- par(bg = "grey"); on.exit(par(old)); plot(1:3) }
f()
f()
#%% palette alone draws nothing
palette("R3")
#%% palette after a plot
plot(1:3, col = 1:3)
palette("R3")
plot(1:3, col = 1:3)
#%% two plots on a page
par(mfrow = c(1, 2))
plot(1:3)
plot(3:1)
#%% three plots on pages of two
par(mfrow = c(1, 2))
plot(1:3)
plot(3:1)
plot(2:4)
#%% one plot on a page of two
par(mfrow = c(1, 2))
plot(1:3)
#%% one plot on a page of two, and other things
par(mfrow = c(1, 2))
plot(1:3)
x <- 5
x
#%% five plots on pages of four in a loop
par(mfrow = c(2, 2))
for (i in 1:5) plot(seq_len(i))
#%% a page of two, with things added
par(mfrow = c(2, 1))
plot(1:3)
abline(h = 2)
plot(3:1)
abline(v = 2)
#%% layout
layout(matrix(1:2, 1))
plot(1:3)
plot(3:1)
#%% layout alone
layout(matrix(1:2, 1))
#%% layout that is not filled
layout(matrix(1:4, 2))
plot(1:3)
plot(3:1)
#%% layout with a page too many
layout(matrix(1:2, 1))
for (i in 1:3) plot(i)
#%% layout.show
layout.show(layout(matrix(c(1, 1, 2, 3), 2)))
#%% split.screen
split.screen(c(1, 2))
screen(1)
plot(1:3)
screen(2)
plot(3:1)
close.screen(all.screens = TRUE)
#%% plot.new alone
plot.new()
#%% plot.new and a window
plot.new()
plot.window(c(0, 1), c(0, 1))
#%% plot.new, a window and a line
plot.new()
plot.window(c(0, 1), c(0, 1))
lines(c(0, 1), c(0, 1))
#%% frame
frame()
text(0.5, 0.5, "text")
#%% an empty plot
plot(NULL, xlim = c(0, 1), ylim = c(0, 1))
#%% an empty plot of type n
plot(1:3, type = "n")
#%% an empty plot without axes
plot(1:3, type = "n", axes = FALSE, ann = FALSE)
#%% a plot over another
plot(1:3)
par(new = TRUE)
plot(3:1, axes = FALSE)
#%% a plot over another in a statement
{ plot(1:3); par(new = TRUE); plot(3:1, axes = FALSE) }
#%% curve
curve(sin, 0, 6)
curve(cos, 0, 6, add = TRUE)
#%% boxplot
boxplot(dist ~ speed, cars)
#%% boxplot's value
x <- boxplot(1:10, plot = FALSE)
x$stats
#%% barplot and text
mid <- barplot(c(a = 1, b = 2))
text(mid, 0.5, "x")
#%% pie
pie(c(a = 1, b = 2))
#%% hist and density
hist(c(1, 2, 2, 3, 5), freq = FALSE)
lines(density(c(1, 2, 2, 3, 5)))
#%% pairs
pairs(iris[1:3])
#%% coplot
coplot(mpg ~ wt | factor(cyl), mtcars)
#%% mosaicplot
mosaicplot(Titanic)
#%% matplot
matplot(matrix(1:6, 3), type = "l")
#%% image and contour
image(volcano)
contour(volcano, add = TRUE)
#%% filled.contour
filled.contour(volcano)
#%% persp
persp(volcano)
#%% persp and points
view <- persp(volcano, theta = 30)
points(trans3d(10, 10, 150, view))
#%% persp twice in a statement
for (angle in c(0, 45)) persp(volcano, theta = angle)
#%% sunflowerplot
sunflowerplot(c(1, 1, 2), c(1, 1, 2))
#%% stars and symbols
stars(mtcars[1:4, 1:4])
symbols(1:3, 1:3, circles = 1:3)
#%% plot of a model
plot(lm(dist ~ speed, cars))
#%% plot of a model on one page
par(mfrow = c(2, 2))
plot(lm(dist ~ speed, cars))
#%% plot of a data frame and a factor
plot(cars)
plot(factor(c("a", "b", "a")))
#%% plot of a function and a formula
plot(sin, 0, 3)
plot(dist ~ speed, cars)
#%% plot of a time series and a dendrogram
plot(ts(1:10))
plot(hclust(dist(matrix(1:10, 5))))
#%% a raster image
plot(1:2, type = "n")
rasterImage(as.raster(matrix(0:3 / 3, 2)), 1, 1, 2, 2)
#%% plotmath
plot(1:3, xlab = expression(alpha^2))
#%% a plot in another script
plot(1:3, main = "Größe ∞")
#%% strwidth after a plot
plot(1:3)
strwidth("abc", units = "inches") > 0
#%% clip after a plot
plot(1:3)
clip(1, 2, 1, 2)
#%% recordPlot and replayPlot
plot(1:3)
p <- recordPlot()
replayPlot(p)
#%% a recorded plot is a value
plot(1:3)
p <- recordPlot()
p
#%% a recorded plot after another
plot(1:3)
p <- recordPlot()
plot(3:1)
replayPlot(p)
#%% locator and identify answer nothing
plot(1:3)
locator(1)
#%% demo of colours
plot(1:8, col = hcl.colors(8), pch = 19, cex = 3)
#%% a plot in a local environment
local({
  x <- 1:3
  plot(x)
})
#%% a plot in lapply
invisible(lapply(1:3, function(i) plot(i)))
#%% a plot in a tryCatch that fails
tryCatch({ plot(1:3); stop("after") }, error = function(e) cat("caught\n"))
#%% a plot, an assignment, another plot
plot(1:3)
x <- 1
plot(x)
#%% dev.hold and dev.flush
dev.hold()
plot(1:3)
dev.flush()
#%% xinch and grconvertX
plot(1:3)
xinch(1) > 0
#%% hooks of the user run too
setHook("plot.new", function() cat("a new plot\n"))
plot(1:3)
#%% hooks of the user before a plot
setHook("before.plot.new", function() cat("soon\n"))
plot(1:3)
plot(3:1)
#%% hooks of the user instead
setHook("before.plot.new", NULL, "replace")
for (i in 1:2) plot(i)
#%% hooks of the user instead, in the same statement
{ setHook("before.plot.new", NULL, "replace"); plot(1:3); plot(3:1) }
