# Columns as buffers in one file, each padded to eight bytes: numbers as R holds them, strings and
# lists as their sizes (NA where missing) and what is in them, one after the other. Descriptions
# (name, kind, rows, ...) travel beside the file, in its order. engine/frame.py and
# engine/columns.py know the same layout.

write_columns <- function(frame, path) {
  connection <- file(path, "wb")
  on.exit(close(connection))
  describe_columns(frame, connection)
}

describe_columns <- function(frame, connection) {
  labels <- clean(names(frame))
  labels[is.na(labels)] <- "NA"
  lapply(seq_along(frame), function(i) {
    c(list(name = labels[[i]]), write_column(.subset2(frame, i), labels[[i]], connection))
  })
}

# list(kind, rows, ...): what is needed to read the column from where the file stands.
write_column <- function(x, label, connection) {
  if (inherits(x, "POSIXlt")) x <- as.POSIXct(x)
  if (is.factor(x) && anyNA(levels(x))) {   # missing is what Arrow calls a level without a name
    x <- factor(as.character(x), levels(x)[!is.na(levels(x))], ordered = is.ordered(x))
  }
  if (!is.data.frame(x) && length(dim(x)) > 1L) return(write_matrix(x, label, connection))
  kind <- column_kind(x, label)
  rows <- NROW(x)
  details <- switch(kind,
    string = write_strings(x, connection),
    list = write_list(x, label, connection),
    struct = list(columns = describe_columns(x, connection)),
    write_buffer(x, connection)
  )
  details <- c(details, switch(kind,
    factor = list(ordered = is.ordered(x),
                  levels = write_column(as.character(levels(x)), label, connection)),
    date = list(storage = typeof(x)),
    time = list(storage = typeof(x), zone = time_zone(x)),
    duration = list(storage = typeof(x), seconds = seconds_of(x))
  ))
  c(list(kind = kind, rows = rows), details)
}

column_kind <- function(x, label) {
  if (is.factor(x)) return("factor")
  if (inherits(x, "Date")) return("date")
  if (inherits(x, "POSIXct")) return("time")
  if (inherits(x, "difftime")) return("duration")
  if (inherits(x, "integer64")) return("integer64")
  if (is.data.frame(x)) return("struct")
  switch(if (isS4(x)) "S4" else typeof(x),
    logical = "logical", integer = "integer", double = "double", character = "string",
    raw = "raw", list = "list",
    refuse_column(label, paste("holds values of class", class(x)[[1L]]))
  )
}

refuse_column <- function(label, problem) {
  refuse(paste0("The column '", label, "' ", problem, ", for which this format has no type."),
         "bad_column")
}

# R's own zone where the times name none, and UTC, as R has it, where they name one that is none.
time_zone <- function(x) {
  zone <- attr(x, "tzone")[1L]
  if (is.null(zone) || is.na(zone) || !nzchar(zone)) zone <- Sys.timezone()
  if (zone %in% c("UTC", "GMT") || zone %in% OlsonNames()) zone else "UTC"
}

seconds_of <- function(x) {
  units <- attr(x, "units")
  if (is.null(units)) units <- "secs"
  unname(c(secs = 1, mins = 60, hours = 3600, days = 86400, weeks = 604800)[[units]])
}

write_buffer <- function(x, connection) {
  x <- as.vector(unclass(x))
  writeBin(x, connection)
  size <- switch(typeof(x), double = 8, raw = 1, 4)
  pad(length(x) * size, connection)
}

pad <- function(bytes, connection) {
  if (bytes %% 8 > 0) writeBin(raw(8 - bytes %% 8), connection)
  NULL
}

write_strings <- function(x, connection) {
  x <- clean(x)
  sizes <- nchar(x, "bytes", keepNA = FALSE)
  missing <- is.na(x)
  if (any(missing)) {
    sizes[missing] <- NA_integer_
    x[missing] <- ""
  }
  write_buffer(sizes, connection)
  writeLines(x, connection, sep = "", useBytes = TRUE)
  pad(sum(as.numeric(sizes), na.rm = TRUE), connection)
}

# The rows of a matrix are vectors of one length; a single column is just that.
write_matrix <- function(x, label, connection) {
  if (length(dim(x)) > 2L) refuse_column(label, "is an array")
  if (ncol(x) == 1L) return(write_column(x[, 1L, drop = TRUE], label, connection))
  write_buffer(rep(ncol(x), nrow(x)), connection)
  list(kind = "list", rows = nrow(x), child = write_column(as.vector(t(x)), label, connection))
}

write_list <- function(x, label, connection) {
  x <- lapply(unclass(x), function(part) {
    if (is.null(dim(part)) || is.data.frame(part)) part else as.vector(part)
  })
  sizes <- vapply(x, NROW, 0L, USE.NAMES = FALSE)
  sizes[vapply(x, is.null, NA)] <- NA_integer_
  write_buffer(sizes, connection)
  list(child = write_column(join_parts(x, label), label, connection))
}

# The elements of a list column one after the other; they have to be of one kind, but for elements
# that are nothing but NA.
join_parts <- function(parts, label) {
  parts <- parts[vapply(parts, NROW, 0L) > 0L]
  untold <- vapply(parts, function(part) is.logical(part) && all(is.na(part)), NA)
  if (all(untold)) return(unlist(parts, use.names = FALSE) %or% logical())
  model <- parts[[which(!untold)[[1L]]]]
  kinds <- unique(vapply(parts[!untold], function(part) family_of(part, label), ""))
  if (length(kinds) > 1L) {
    refuse_column(label, paste("is a list of several kinds of values,", paste(kinds, collapse = " and ")))
  }
  if (kinds == "number" || kinds == "string") return(unlist(parts, use.names = FALSE))
  parts[untold] <- lapply(parts[untold], function(part) model[rep(NA_integer_, length(part))])
  if (kinds == "integer64") {
    return(structure(unlist(lapply(parts, unclass), use.names = FALSE), class = "integer64"))
  }
  if (kinds == "struct") do.call(rbind, parts) else do.call(c, unname(parts))
}

family_of <- function(part, label) {
  kind <- column_kind(part, label)
  if (kind %in% c("logical", "integer", "double")) "number" else kind
}

`%or%` <- function(x, otherwise) if (is.null(x)) otherwise else x

read_columns <- function(path, columns) {
  connection <- file(path, "rb")
  on.exit(close(connection))
  lapply(columns, read_column, connection)
}

read_column <- function(column, connection) {
  n <- column$rows
  switch(column$kind,
    double = read_buffer("double", n, connection),
    integer = read_buffer("integer", n, connection),
    logical = as.logical(read_buffer("integer", n, connection)),
    string = read_strings(n, connection)
  )
}

read_buffer <- function(type, n, connection) {
  x <- readBin(connection, type, n)
  skip_padding(n * if (type == "double") 8 else 4, connection)
  x
}

read_strings <- function(n, connection) {
  sizes <- read_buffer("integer", n, connection)
  missing <- is.na(sizes)
  sizes[missing] <- 0L
  total <- sum(as.numeric(sizes))
  bytes <- readBin(connection, raw(), total)
  skip_padding(total, connection)
  text <- readChar(bytes, sizes, useBytes = TRUE)
  Encoding(text) <- "UTF-8"
  if (any(missing)) text[missing] <- NA_character_
  text
}

skip_padding <- function(bytes, connection) {
  if (bytes %% 8 > 0) readBin(connection, raw(), 8 - bytes %% 8)
}
