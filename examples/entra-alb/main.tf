# The listener of an Application Load Balancer: machines by token, people by login, everybody else out.
# The load balancer, its certificate and the VPC are there already.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.22" # jwt-validation came with 6.22
    }
  }
}

variable "tenant_id" { type = string }
variable "application_client_id" { type = string } # Application (client) ID of "Application": aud of v2 tokens
variable "watchword_client_id" { type = string }   # Application (client) ID of "Watchword": azp of v2 tokens
variable "login_client_id" { type = string }       # of the registration that people log in with
variable "login_client_secret" {
  type      = string
  sensitive = true
}
variable "load_balancer_arn" { type = string }
variable "load_balancer_security_group_id" { type = string }
variable "certificate_arn" { type = string }
variable "vpc_id" { type = string }

locals {
  host   = "application.example.com"
  issuer = "https://login.microsoftonline.com/${var.tenant_id}/v2.0"
}

resource "aws_lb_target_group" "application" {
  name     = "application"
  port     = 8080
  protocol = "HTTP"
  vpc_id   = var.vpc_id
  health_check { path = "/health" }
}

# The targets take connections of the load balancer alone. This is what the guard's bypass_urls check.
resource "aws_security_group" "targets" {
  name   = "application-targets"
  vpc_id = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "from_load_balancer" {
  security_group_id            = aws_security_group.targets.id
  referenced_security_group_id = var.load_balancer_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = var.load_balancer_arn
  port              = 443
  protocol          = "HTTPS" # jwt-validation and authenticate-oidc need it
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  # No rule matched, such as the load balancer's own name: 403, which a guard reads as shut. 404 says neither.
  default_action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      message_body = "Forbidden"
      status_code  = "403"
    }
  }
}

# Machines. Before the rule for people: the first rule that matches decides.
resource "aws_lb_listener_rule" "machines" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 10

  condition {
    host_header { values = [local.host] }
  }
  condition {
    http_header {
      http_header_name = "Authorization"
      values           = ["Bearer *"]
    }
  }

  action {
    type  = "jwt-validation"
    order = 1
    jwt_validation {
      issuer        = local.issuer
      jwks_endpoint = "https://login.microsoftonline.com/${var.tenant_id}/discovery/v2.0/keys"
      # Signature, iss and exp are always looked at. aud only if it stands here: without it every
      # token of the tenant gets in, whatever it is for.
      additional_claim {
        name   = "aud"
        format = "single-string"
        values = [var.application_client_id]
      }
      # And which application it is. Entra ID gives every application of the tenant a token for this
      # audience, unless assignment is required.
      additional_claim {
        name   = "azp"
        format = "single-string"
        values = [var.watchword_client_id]
      }
    }
  }
  action {
    type             = "forward"
    order            = 2
    target_group_arn = aws_lb_target_group.application.arn
  }
}

# People. A machine cannot pass this: it looks at the session cookie alone.
resource "aws_lb_listener_rule" "people" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 20

  condition {
    host_header { values = [local.host] }
  }

  action {
    type  = "authenticate-oidc"
    order = 1
    authenticate_oidc {
      issuer                     = local.issuer
      authorization_endpoint     = "https://login.microsoftonline.com/${var.tenant_id}/oauth2/v2.0/authorize"
      token_endpoint             = "https://login.microsoftonline.com/${var.tenant_id}/oauth2/v2.0/token"
      user_info_endpoint         = "https://graph.microsoft.com/oidc/userinfo"
      client_id                  = var.login_client_id
      client_secret              = var.login_client_secret
      on_unauthenticated_request = "authenticate"
    }
  }
  action {
    type             = "forward"
    order            = 2
    target_group_arn = aws_lb_target_group.application.arn
  }
}
