"""The commands of `sdr-lab`, one file per group. Each imports what it needs when it runs."""
