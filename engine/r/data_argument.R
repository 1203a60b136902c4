# Arguments of those who send no code: what has been read is looked at before the call is made, and
# what is not data is refused. A name stands for an object that the call would find, such as a data
# set, and never for a function.

operators <- c("+", "-", "*", "/", "^", ":", "%%", "%/%")
data_types <- c("NULL", "logical", "integer", "double", "complex", "character", "raw", "list", "S4")

# `taken` is the name of the function that is called: where the call is made it stands for that.
check_data <- function(part, taken) {
  if (is.name(part)) {
    check_object(as.character(part), taken)
  } else if (is_data_set(part)) {
    check_data_set(as.character(part[[2L]]), as.character(part[[3L]]))
  } else if (is.call(part)) {
    if (!is_reference(part) && !is_arithmetic(part)) refuse_code()
  } else if (!is_data(part)) {
    refuse_code()
  }
}

is_data <- function(value) typeof(value) %in% data_types

refuse_code <- function() refuse("R code is not taken here, only data.", "code_refused")

check_object <- function(name, taken) {
  if (!exists(name, envir = globalenv())) refuse(missing_object(name))
  if (startsWith(name, ".") || name == taken || !is_data(get(name, envir = globalenv()))) {
    refuse(paste0("'", name, "' is not the name of a data set."), "code_refused")
  }
}

is_data_set <- function(part) {
  is.call(part) && length(part) == 3L && identical(part[[1L]], as.name("::")) &&
    is.name(part[[2L]]) && is.name(part[[3L]]) && !is_reference(part)
}

check_data_set <- function(package, name) {
  value <- tryCatch(getExportedValue(package, name), error = function(e) refuse(conditionMessage(e)))
  if (!is_data(value)) {
    refuse(paste0("'", package, "::", name, "' is not the name of a data set."), "code_refused")
  }
}

# Of numbers alone, however deep.
is_arithmetic <- function(part) {
  level <- list(part)
  while (length(level)) {
    calls <- vapply(level, is.call, NA)
    numbers <- vapply(level, function(x) is.numeric(x) || is.complex(x), NA)
    known <- vapply(level[calls], function(x) {
      is.name(x[[1L]]) && as.character(x[[1L]]) %in% operators
    }, NA)
    if (!all(calls | numbers) || !all(known)) return(FALSE)
    level <- unlist(lapply(level[calls], function(x) as.list(x)[-1L]), recursive = FALSE)
  }
  TRUE
}
