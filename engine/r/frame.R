# Rows jobs: a data frame from Python, one call over all of it, the answer's columns back. The
# buffers are those of columns.R; a rows job knows numbers, strings and logicals.

read_frame <- function(path, columns) {
  frame <- read_columns(path, columns)
  names(frame) <- vapply(columns, function(column) column$name, "")
  structure(frame, class = "data.frame", row.names = .set_row_names(columns[[1L]]$rows))
}

# Factors and moments become text.
plain_column <- function(x, label) {
  if (is.factor(x)) return(as.character(x))
  if (inherits(x, c("Date", "POSIXt"))) return(format(x, "%Y-%m-%dT%H:%M:%SZ", tz = "UTC"))
  if (inherits(x, "integer64")) return(as.double(x))
  if (is.logical(x) || is.numeric(x) || is.character(x)) return(as.vector(unclass(x)))
  refuse(paste0("column '", label, "' has class ", class(x)[1L],
                "; a rows job answers numbers, strings or logicals"), "bad_rows")
}

# Writes a data frame or vector of n rows; a list of list(name, kind, rows).
write_frame <- function(value, path) {
  if (!is.data.frame(value)) value <- data.frame(value = value, stringsAsFactors = FALSE)
  plain <- Map(plain_column, unclass(value), names(value))
  write_columns(plain, path)
}

# One call over a whole frame of rows. The value has to have one row (or element) per row of it.
evaluate_rows <- function(request) {
  plan <- plan_call(request)
  assign(request$pass_as, read_frame(request$frame, request$columns), envir = plan$frame)
  plan$call[[request$pass_as]] <- as.name(request$pass_as)
  value <- eval(plan$call, plan$frame)
  rows <- if (is.data.frame(value)) nrow(value) else length(value)
  matching <- rows == request$columns[[1L]]$rows
  c(list(rows = rows, columns = if (matching) write_frame(value, request$answer)),
    if (matching && length(request$checks)) check_rows(value, rows, request$checks, plan))
}
