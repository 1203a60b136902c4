#%% a number
1 + 1
#%% an assignment is invisible
x <- 5
#%% an assignment in parentheses is visible
(x <- 5)
#%% two values
1
2
#%% two values on a line
1; 2
#%% two values and an assignment on a line
1; x <- 2; x
#%% invisible
invisible(3)
#%% invisible through a function
f <- function() invisible(4)
f()
(f())
#%% visible again by an operator
f <- function() invisible(4)
f() + 1
#%% invisible value that is assigned and named
y <- invisible(1)
y
#%% withVisible shows the flag
withVisible(invisible(1))
#%% NULL is visible
NULL
#%% NULL of a function
f <- function() NULL
f()
#%% a loop is invisible
for (i in 1:3) i
#%% a loop that prints
for (i in 1:3) print(i)
#%% if without else
if (FALSE) 1
#%% if with a value
if (TRUE) "yes" else "no"
#%% while
i <- 0
while (i < 3) i <- i + 1
i
#%% repeat with break
i <- 0
repeat { i <- i + 1; if (i > 2) break }
i
#%% a block has its last value
{
  1
  2
}
#%% return at top level
return(7)
8
#%% a function prints as it was written
f <- function(a, b = 2) {
  # adds them
  a + b   # here
}
f
#%% a lambda
\(x) x + 1
#%% a closure with its environment
make <- function(n) function(x) x + n
add <- make(2)
add(3)
#%% a primitive
sum
#%% a symbol and a call
quote(a)
quote(a + b)
#%% an expression
expression(a, b + 1)
#%% a formula
y ~ x + z
#%% long vectors wrap
1:60
#%% names
c(a = 1, b = 2)
#%% a matrix
matrix(1:6, 2, dimnames = list(c("a", "b"), NULL))
#%% a list is sketched
list(1, "a", TRUE)
#%% a named list is sketched
list(a = 1, b = list(c = 2))
#%% an empty list
list()
#%% a data frame
head(cars, 3)
#%% an empty data frame
data.frame()
#%% a factor
factor(c("a", "b", "a"))
#%% a date and a time
as.Date("2026-11-23")
as.POSIXct(0, origin = "1970-01-01", tz = "UTC")
#%% strings with quotes and escapes
"a \"b\" \\ \n \t"
#%% missing values
c(NA, 1)
c(NA_character_, "a")
#%% complex and raw
complex(real = 1, imaginary = -1)
as.raw(c(1, 255))
#%% a linear model
lm(dist ~ speed, cars)
#%% a summary
summary(c(1, 2, 3))
#%% a table
table(c("a", "b", "a"))
#%% an environment
globalenv()
#%% str prints
str(list(a = 1, b = "x"))
#%% random numbers repeat with a seed
set.seed(1)
runif(3)
#%% pipes
c(1, 4) |> sqrt() |> sum()
#%% assignment to the right
5 -> x
x
#%% assignment by function
assign("x", 3)
x
#%% assignment to a part
x <- 1:3
x[2] <- 10L
x
names(x) <- c("a", "b", "c")
x
#%% superassignment
x <- 1
f <- function() x <<- 2
f()
x
#%% switch that finds nothing
switch("c", a = 1, b = 2)
#%% an infinite and a not-a-number
c(Inf, -Inf, NaN)
#%% a long string
strrep("x", 200)
#%% digits
options(digits = 3)
pi
#%% width
options(width = 40)
1:30
#%% a value whose print method answers visibly
x <- structure(1, class = "loud")
print.loud <- function(x, ...) { cat("loud\n"); 5 }
x
