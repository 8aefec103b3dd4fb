"""The network behind the sites, many interventions in one batch: `plain` for any network, `fast` without redoing what
an intervention does not touch.
"""
