"""The lab: arms on one frozen test set, figures with intervals. Knows answers, not how they are made."""
