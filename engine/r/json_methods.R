# jsonlite's methods are S4. What R made of them when the package was installed has its inner function
# uncompiled, so every child that makes JSON twice would compile it. That is done once, with our own
# functions, and kept with them.

json_methods <- list()   # by signature

method_tables <- function() {
  mget(c(".MTable", ".AllMTable"), envir = environment(jsonlite:::asJSON))
}

compile_methods <- function() {
  methods <- as.list(method_tables()$.MTable, all.names = TRUE)
  json_methods <<- lapply(Filter(has_inner_function, methods), compile_inner_function)
}

# A method with more arguments than its generic: {.local <- function(x, ...) ...; .local(x, ...)}
has_inner_function <- function(method) {
  is.function(method) && is.call(body(method)) && length(body(method)) == 3L &&
    identical(body(method)[[2L]][[2L]], as.name(".local"))
}

compile_inner_function <- function(method) {
  around <- new.env(parent = environment(method))
  around$.local <- compiler::cmpfun(eval(body(method)[[2L]][[3L]], environment(method)))
  outer <- as.function(c(formals(method), body(method)[[3L]]), envir = around)
  method@.Data <- compiler::cmpfun(outer)
  method
}

use_compiled_methods <- function() {
  for (table in method_tables()) {
    for (signature in intersect(names(json_methods), ls(table, all.names = TRUE))) {
      assign(signature, json_methods[[signature]], envir = table)
    }
  }
}
