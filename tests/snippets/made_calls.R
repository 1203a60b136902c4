#%% a call with a data frame in it
as.call(list(quote(nrow), cars))
#%% a call with a function in it
as.call(list(function(x) x + 1, 2))
#%% a call with an environment in it
as.call(list(quote(class), globalenv()))
#%% a call with an S4 object in it
as.call(list(quote(dim), Matrix::Diagonal(3)))
#%% a call with a long vector in it
as.call(list(quote(sum), as.numeric(1:100)))
#%% a call with a symbol in it
call("nchar", quote(letters))
#%% a call with quoted code in it
call("class", quote(quote(a + b)))
#%% a call with NULL and missing arguments
as.call(list(quote(matrix), 1:4, quote(expr = ), 2, nrow = NULL))
#%% a call with a factor in it
as.call(list(quote(levels), factor(c("a", "b"))))
#%% a call with text of several lines
call("cat", "one\ntwo\n")
#%% a call with a date in it
as.call(list(quote(format), as.Date("2026-11-23")))
#%% a call with a formula in it
as.call(list(quote(class), y ~ x))
#%% a call with a name that needs quoting
as.call(list(quote(c), `a b` = 1, `if` = 2))
#%% a call of an infix operator, long
Reduce(function(a, b) call("+", a, b), as.list(1:40))
#%% a call of a block
as.call(list(as.name("{"), quote(a <- 1), quote(a + 1)))
#%% a call of a control structure
quote(for (i in 1:2) print(i))
#%% a call that assigns
quote(x <- 5)
#%% a call of if
quote(if (FALSE) 1)
