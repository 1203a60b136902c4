#%% the working folder is changed
dir.create("deep")
setwd("deep")
basename(getwd())
#%% options are changed
options(scipen = 100)
1e10
#%% an environment variable
Sys.setenv(LARDER_SNIPPET = "set")
Sys.getenv("LARDER_SNIPPET")
#%% objects are removed
x <- 1
rm(x)
exists("x", inherits = FALSE)
#%% all objects are removed
x <- 1
y <- 2
rm(list = ls())
ls()
#%% a package is attached
library(tools)
toTitleCase("a title")
#%% a package with a greeting
suppressPackageStartupMessages(library(dplyr))
tibble(a = 1:2, b = c("x", "y"))
#%% a package that masks
library(dplyr)
filter(data.frame(a = 1:3), a > 1)
#%% require answers
require(stats)
require(nosuchpackage)
#%% requireNamespace answers
requireNamespace("nosuchpackage", quietly = TRUE)
#%% a generic is made visible
getGenerics
#%% attach and detach
attach(list(attached_value = 5))
attached_value
detach()
#%% local
local({ a <- 1; a + 1 })
#%% delayedAssign
delayedAssign("x", { cat("now\n"); 5 })
x
x
#%% makeActiveBinding
makeActiveBinding("now", function() { cat("asked\n"); 1 }, environment())
now
#%% a locked binding
x <- 1
lockBinding("x", environment())
x <- 2
#%% sys.function and sys.calls have something
length(sys.calls()) > 0
#%% nargs and missing
f <- function(a, b) c(nargs(), missing(b))
f(1)
#%% interactive
interactive()
#%% commandArgs and R.version
is.character(commandArgs())
#%% Recall of the last value
1 + 1
exists(".Last.value")
#%% Sys.setlocale
invisible(Sys.setlocale("LC_COLLATE", "C"))
sort(c("b", "A", "a"))
#%% set.seed and sample
set.seed(42)
sample(5)
rnorm(2)
#%% Rprof is quiet
Rprof(NULL)
1
#%% system.time measures
class(system.time(for (i in 1:10) i))
#%% setTimeLimit
setTimeLimit(elapsed = 100)
1
#%% base is masked
c <- function(...) "masked"
c(1, 2)
base::c(1, 2)
#%% print is masked in the session
print <- function(x, ...) cat("mine\n")
5
print(5)
#%% cat is masked in the session
cat <- function(...) base::cat("meow\n")
cat("a")
list(1)
#%% T and F are masked
T <- FALSE
T
#%% a function called eval
eval <- function(...) "mine"
eval(quote(1 + 1))
2
#%% identity pipes through environments
e <- new.env()
assign("v", 1, e)
mget("v", envir = e)[[1]]
#%% Reduce, Filter, Map
Map(function(a, b) a + b, 1:2, 3:4)
Filter(function(x) x > 1, 1:3)
#%% regular expressions
sub("a(.)", "<\\1>", "xaby")
regmatches("a1b2", gregexpr("[0-9]", "a1b2"))
#%% a data set
data(cars)
nrow(cars)
#%% example data frames join
merge(data.frame(k = 1:2, a = 3:4), data.frame(k = 2:3, b = 5:6))
#%% apply and aggregate
aggregate(dist ~ speed > 15, cars, mean)
#%% glm and anova
anova(glm(am ~ wt, binomial, mtcars), test = "Chisq")
#%% knitr's table
knitr::kable(head(cars, 2))
#%% jsonlite
jsonlite::toJSON(list(a = 1), auto_unbox = TRUE)
#%% knit within a session
writeLines(c("```{r}", "1 + 1", "warning('w')", "```"), "d.Rmd")
suppressMessages(knitr::knit("d.Rmd", quiet = TRUE))
cat(readLines("d.md"), sep = "\n")
#%% knit a plot within a session
writeLines(c("```{r}", "plot(1:3)", "```"), "d.Rmd")
knitr::knit("d.Rmd", quiet = TRUE)
list.files("figure")
#%% knit an error within a session
writeLines(c("```{r, error=FALSE}", "stop('in the document')", "```"), "d.Rmd")
knitr::knit("d.Rmd", quiet = TRUE)
#%% brew within a session
writeLines("Hello <%= 1 + 1 %>", "t.brew")
brew::brew("t.brew")
#%% evaluate within a session
out <- evaluate::evaluate("cat('inside\\n'); plot(1:3); 5")
length(out)
plot(3:1)
#%% functions are masked for all
for (name in c("identical", "lapply", "vapply", "list", "c", "structure", "length", "is.null")) {
  assign(name, function(...) stop("mine"), globalenv())
}
1 + 1
warning("told")
plot(1:3)
x <<- 5
x
#%% a print method is sourced
writeLines("print.thing <- function(x, ...) cat('<thing>\\n')", "part.R")
source("part.R")
structure(1, class = "thing")
#%% a print method is attached
attach(list(print.thing = function(x, ...) cat("<attached>\n")))
structure(1, class = "thing")
#%% a print method in a function's result
f <- function() { print.local <- function(x, ...) cat("<local>\n"); print(structure(1, class = "local")) }
f()
