# What an evaluation gave, in order: parts are added as they come and answered as one list.

most_conditions <- 10000L   # messages and warnings that a session keeps

# add, add_text, add_condition, everything. Of printed text no more than its place is noted until
# everything is there: adding costs the same however much there is. `printed` is where it begins.
part_collector <- function(printed = printed_so_far()) {
  kept <- list()
  texts <- integer()   # the numbers of the parts that are printed text
  positions <- printed   # where the first begins, and where each ends
  conditions <- 0L
  said <- 0
  dropped <- 0L

  add <- function(part) {
    kept[[length(kept) + 1L]] <<- part
    if (!is.character(part)) tell_part(part)
  }

  # What was printed since the last text.
  add_text <- function() {
    now <- printed_so_far()
    if (now == positions[length(positions)]) return()
    add("")
    texts[length(texts) + 1L] <<- length(kept)
    positions[length(positions) + 1L] <<- now
  }

  # A message or warning, as long as there is room.
  add_condition <- function(condition) {
    if (is.character(condition$message)) {
      said <<- said + sum(nchar(condition$message, "bytes"))
    }
    if (conditions == most_conditions || said > console$room) {
      dropped <<- dropped + 1L
      return()
    }
    conditions <<- conditions + 1L
    add_text()
    add(condition)
  }

  everything <- function() {
    parts <- kept
    if (length(texts)) parts[texts] <- printed_between(positions)
    if (output_was_dropped()) {
      parts[texts[vapply(parts[texts], identical, NA, "")]] <- list(NULL)
      parts <- parts[lengths(parts) > 0L]
    }
    if (dropped) c(parts, dropped_conditions(dropped)) else parts
  }

  list(add = add, add_text = add_text, add_condition = add_condition, everything = everything)
}

dropped_conditions <- function(dropped) {
  sprintf("[%s messages and warnings were dropped: no more than %s, or %s bytes, are kept]\n",
          with_commas(dropped), with_commas(most_conditions), with_commas(console$room))
}
