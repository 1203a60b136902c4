# LaTeX, where it is installed: for documents, and for help pages as PDF.

has_latex <- function() nzchar(Sys.which("pdflatex"))

refuse_without_latex <- function(what) {
  if (!has_latex()) {
    refuse(paste(what, "LaTeX, which is not installed on this server."), "no_latex")
  }
}

# For this process and what it starts: no shell escape, output below the working folder only, log
# lines that are not broken at 79 characters, fonts made on the fly in a folder that can be written,
# and R's own sequence of runs: the script texi2dvi is not needed.
quiet_latex <- function() {
  Sys.setenv(shell_escape = "f", openout_any = "p", max_print_line = "1000",
             TEXMFVAR = file.path(tempdir(), "texmf"))
  options(texi2dvi = "emulation")
}
