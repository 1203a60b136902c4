#%% lattice
library(lattice)
xyplot(dist ~ speed, cars)
#%% lattice that is assigned and printed
library(lattice)
p <- xyplot(dist ~ speed, cars)
p
print(p)
#%% lattice in a function is not printed
library(lattice)
f <- function() { xyplot(dist ~ speed, cars); 5 }
f()
#%% lattice in a loop has to be printed
library(lattice)
for (i in 1:2) xyplot(1 ~ i)
for (i in 1:2) print(xyplot(1 ~ i))
#%% lattice updated
library(lattice)
p <- xyplot(dist ~ speed, cars)
update(p, main = "Title")
#%% lattice with panels
library(lattice)
histogram(~ mpg | factor(cyl), mtcars)
#%% lattice densityplot and bwplot
library(lattice)
densityplot(~ mpg, mtcars)
bwplot(~ mpg, mtcars)
#%% lattice on a split page
library(lattice)
p <- xyplot(dist ~ speed, cars)
print(p, split = c(1, 1, 2, 1), more = TRUE)
print(p, split = c(2, 1, 2, 1))
#%% lattice with several pages
library(lattice)
xyplot(mpg ~ wt | factor(cyl), mtcars, layout = c(1, 1))
#%% lattice that fails while printed
library(lattice)
xyplot(1:3 ~ 1:3, panel = function(...) stop("in the panel"))
#%% lattice with something added by trellis.focus
library(lattice)
xyplot(dist ~ speed, cars)
trellis.focus("panel", 1, 1)
panel.abline(h = 50)
trellis.unfocus()
#%% levelplot
library(lattice)
levelplot(volcano[1:10, 1:10])
#%% wireframe
library(lattice)
wireframe(volcano[1:10, 1:10])
#%% lattice settings alone
library(lattice)
trellis.par.set(theme = col.whitebg())
#%% ggplot
library(ggplot2)
ggplot(cars, aes(speed, dist)) + geom_point()
#%% ggplot that is assigned
library(ggplot2)
p <- ggplot(cars, aes(speed, dist)) + geom_point()
#%% ggplot that is assigned and printed
library(ggplot2)
p <- ggplot(cars, aes(speed, dist)) + geom_point()
p
#%% ggplot printed in a function
library(ggplot2)
f <- function() { print(ggplot(cars, aes(speed, dist)) + geom_point()); "done" }
f()
#%% ggplot printed twice
library(ggplot2)
p <- ggplot(cars, aes(speed, dist)) + geom_point()
p
p + ggtitle("Title")
#%% ggplots in a loop
library(ggplot2)
for (k in 1:2) print(ggplot(cars, aes(speed, dist)) + geom_point(size = k))
#%% ggplot with facets
library(ggplot2)
ggplot(mtcars, aes(wt, mpg)) + geom_point() + facet_wrap(~cyl)
#%% ggplot that messages
library(ggplot2)
ggplot(cars, aes(speed, dist)) + geom_smooth()
#%% ggplot that warns
library(ggplot2)
ggplot(data.frame(x = c(1, NA), y = 1:2), aes(x, y)) + geom_point()
#%% ggplot that fails while printed
library(ggplot2)
ggplot(cars, aes(nosuch, dist)) + geom_point()
#%% ggplot without layers
library(ggplot2)
ggplot()
#%% ggplot histogram and its advice
library(ggplot2)
ggplot(cars, aes(dist)) + geom_histogram()
#%% ggplot and base plot
library(ggplot2)
ggplot(cars, aes(speed, dist)) + geom_line()
plot(1:3)
#%% base plot and ggplot in a statement
library(ggplot2)
{ plot(1:3); print(ggplot(cars, aes(speed, dist)) + geom_line()) }
#%% ggplot and other things after it
library(ggplot2)
ggplot(cars, aes(speed, dist)) + geom_line()
x <- 1
x
cat("done\n")
#%% ggsave makes a file, not a plot
library(ggplot2)
p <- ggplot(cars, aes(speed, dist)) + geom_point()
ggsave("p.png", p, width = 3, height = 3)
file.exists("p.png")
#%% ggplot's data and layers
library(ggplot2)
p <- ggplot(cars, aes(speed, dist)) + geom_point()
nrow(layer_data(p))
#%% ggplotGrob
library(ggplot2)
g <- ggplotGrob(ggplot(cars, aes(speed, dist)) + geom_point())
class(g)
grid::grid.newpage()
grid::grid.draw(g)
#%% grid
library(grid)
grid.newpage()
grid.rect()
#%% grid without a new page
library(grid)
grid.rect()
#%% grid without a new page, after a plot
library(grid)
plot(1:3)
grid.text("over")
#%% grid text is added
library(grid)
grid.newpage()
grid.text("one", y = 0.7)
grid.text("two", y = 0.3)
#%% grid pages in a loop
library(grid)
for (i in 1:3) { grid.newpage(); grid.text(i) }
#%% grid viewports
library(grid)
grid.newpage()
pushViewport(viewport(width = 0.5))
grid.rect()
popViewport()
#%% grid viewports alone
library(grid)
grid.newpage()
pushViewport(viewport(width = 0.5))
#%% grid newpage alone
library(grid)
grid.newpage()
#%% grid objects print
library(grid)
r <- rectGrob(name = "r")
r
#%% grid edited
library(grid)
grid.newpage()
grid.rect(name = "r")
grid.edit("r", gp = gpar(col = "red"))
#%% gridded base plot and page
library(grid)
plot(1:3)
grid.newpage()
grid.circle()
#%% gtable and gridExtra, where they are
if (requireNamespace("gridExtra", quietly = TRUE)) gridExtra::grid.arrange(grid::rectGrob())
#%% hooks of the user before a page
library(grid)
setHook("before.grid.newpage", function() cat("soon\n"))
grid.newpage()
grid.rect()
