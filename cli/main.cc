// `throng`: the command line of Throng. Everything is in RunCli().
#include "cli/run_cli.h"

int main(int argc, char** argv) { return throng::cli::RunCli(argc, argv); }
