"""`keras-see report`: runs as one HTML file."""

from pathlib import Path


def add_command(commands):
    """Add the command to the parser's."""
    report = commands.add_parser("report", help="write runs and their viewer into one HTML file")
    report.set_defaults(command=run)
    report.add_argument("log_dirs", nargs="+", metavar="LOGDIR", help="the folder of a run, or of runs")
    report.add_argument("-o", "--output", default="run.html", metavar="FILE.html", help="default: run.html")


def run(options):
    """Write the report and say where it is."""
    from keras_see.viewer.report import save_report

    save_report(options.log_dirs, options.output)
    print(f"{options.output}: {Path(options.output).stat().st_size / 1e6:.3g} MB. Open it in a browser.")
