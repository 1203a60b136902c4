# Data frames exchanged with Python as one file a column (engine/frame.py): numbers as R holds
# them, strings as one line each with "\\" and line ends escaped and NA as "\\N".

read_frame <- function(folder, columns) {
  read <- function(column) {
    path <- file.path(folder, column$file)
    n <- column$rows
    switch(column$kind,
      double = readBin(path, "double", n),
      integer = readBin(path, "integer", n),
      logical = as.logical(readBin(path, "integer", n)),
      string = read_strings(path)
    )
  }
  frame <- lapply(columns, read)
  names(frame) <- vapply(columns, function(column) column$name, "")
  structure(frame, class = "data.frame", row.names = .set_row_names(columns[[1L]]$rows))
}

read_strings <- function(path) {
  text <- readLines(path, encoding = "UTF-8", warn = FALSE)
  missing <- text == "\\N"
  escaped <- grepl("\\", text, fixed = TRUE)
  if (any(escaped)) {
    part <- text[escaped]
    part <- gsub("\\\\", "\001", part, fixed = TRUE)
    part <- gsub("\\n", "\n", part, fixed = TRUE)
    part <- gsub("\\r", "\r", part, fixed = TRUE)
    text[escaped] <- gsub("\001", "\\", part, fixed = TRUE)
  }
  text[missing] <- NA_character_
  text
}

write_strings <- function(text, path) {
  text <- clean(text)
  missing <- is.na(text)
  text <- gsub("\\", "\\\\", text, fixed = TRUE)
  text <- gsub("\n", "\\n", text, fixed = TRUE)
  text <- gsub("\r", "\\r", text, fixed = TRUE)
  text[missing] <- "\\N"
  connection <- file(path, "wb")
  on.exit(close(connection))
  writeLines(text, connection, useBytes = TRUE)
}

# Writes a data frame or vector of n rows; list(columns = list(name, kind, file, rows)).
write_frame <- function(value, folder) {
  if (!is.data.frame(value)) value <- data.frame(value = value, stringsAsFactors = FALSE)
  lapply(seq_along(value), function(i) {
    x <- value[[i]]
    file <- paste0("column", i)
    path <- file.path(folder, file)
    if (is.factor(x)) x <- as.character(x)
    if (inherits(x, c("Date", "POSIXt"))) x <- format(x, "%Y-%m-%dT%H:%M:%SZ", tz = "UTC")
    kind <- if (is.logical(x)) "logical" else if (is.integer(x)) "integer"
            else if (is.numeric(x)) "double" else if (is.character(x)) "string"
            else refuse(paste0("column '", names(value)[i], "' has class ", class(x)[1L],
                               "; a rows job answers numbers, strings or logicals"), "bad_rows")
    if (kind == "string") write_strings(x, path) else writeBin(as.vector(if (kind == "logical") as.integer(x) else x), path)
    list(name = names(value)[i], kind = kind, file = file, rows = length(x))
  })
}

# One call over a whole frame of rows. The value has to have one row (or element) per row of it.
evaluate_rows <- function(request) {
  plan <- plan_call(request)
  assign(request$pass_as, read_frame(request$frame, request$columns), envir = plan$frame)
  plan$call[[request$pass_as]] <- as.name(request$pass_as)
  value <- eval(plan$call, plan$frame)
  rows <- if (is.data.frame(value)) nrow(value) else length(value)
  dir.create(request$answer, showWarnings = FALSE)
  matching <- rows == request$columns[[1L]]$rows
  list(rows = rows, columns = if (matching) write_frame(value, request$answer))
}
