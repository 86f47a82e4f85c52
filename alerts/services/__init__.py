"""Services of alerts: the evaluation of rules, the states of an alert, notices."""
