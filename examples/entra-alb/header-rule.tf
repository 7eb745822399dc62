# The other way, where tokens cannot be verified (no RS256, a JWKS that is not public or too large): a rule
# that lets one path through for who knows a header. Instead of the rule "machines" of main.tf.
# The value is in the state and readable to everybody who may describe rules. ALB compares without
# regard to case, and * and ? in it are wildcards: letters and digits only.
variable "probe_key" {
  type      = string
  sensitive = true
  default   = null # unset: no such rule
  validation {
    condition     = var.probe_key == null || can(regex("^[a-z0-9]{40,128}$", var.probe_key))
    error_message = "At least 40 lower-case letters and digits: openssl rand -hex 32."
  }
}

resource "aws_lb_listener_rule" "probe" {
  count        = nonsensitive(var.probe_key != null) ? 1 : 0
  listener_arn = aws_lb_listener.https.arn
  priority     = 5

  condition {
    host_header { values = [local.host] }
  }
  condition {
    path_pattern { values = ["/health"] }
  }
  condition {
    http_header {
      http_header_name = "X-Watchword-Key"
      values           = [var.probe_key]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.application.arn
  }
}
