"""The tables of the main job, and what keeps the audit log append-only.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


FURTHER = {
    "sqlite": (
        "CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries BEGIN SELECT RAISE(ABORT, 'audit_entries is append-only'); END",
        "CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries BEGIN SELECT RAISE(ABORT, 'audit_entries is append-only'); END",
        # INSERT OR REPLACE takes a row away and fires no trigger of DELETE.
        "CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries WHEN EXISTS (SELECT 1 FROM audit_entries WHERE sequence = NEW.sequence OR previous_sha256 = NEW.previous_sha256 OR entry_sha256 = NEW.entry_sha256) BEGIN SELECT RAISE(ABORT, 'audit_entries is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_entries_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'audit_entries is append-only'; END $$",
        "CREATE TRIGGER audit_entries_no_change BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_entries_append_only()",
        "CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_append_only()",
        # Before a measure, the entries that name the rows of its case are found by this.
        "CREATE INDEX ix_audit_entries_rows ON audit_entries USING gin (rows jsonb_path_ops)",
    ),
}


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False, comment="1, 2, 3 ... without a gap"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="the moment of the act"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server; never runs backwards"),
        sa.Column("machine_at", sa.DateTime(timezone=True), nullable=True, comment="in a simulated home, what the machine's clock showed; null in any other"),
        sa.Column("actor", sa.String(length=140), nullable=False, comment="user id, or system:task"),
        sa.Column("action", sa.String(length=80), nullable=False, comment="what was done: case.claimed, notice.dispatched"),
        sa.Column("subject_type", sa.String(length=40), nullable=False, comment="table of the row concerned"),
        sa.Column("subject_id", sa.String(length=240), nullable=False, comment="id of the row concerned"),
        sa.Column("case_id", sa.String(length=36), nullable=True, comment="case concerned; null where none is"),
        sa.Column("content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="ids, states, digests of what was done"),
        sa.Column("rows", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="every row that was written or changed: table, id, SHA-256 as it stood then"),
        sa.Column("body_sha256", sa.String(length=64), nullable=False, comment="digest of all the fields above"),
        sa.Column("previous_sha256", sa.String(length=64), nullable=False, comment="entry_sha256 of the entry before; 64 zeros for the first"),
        sa.Column("entry_sha256", sa.String(length=64), nullable=False, comment="SHA-256 of previous_sha256 + body_sha256 (ASCII hex)"),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_audit_entries_sequence_from_one")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint("entry_sha256", name=op.f("uq_audit_entries_entry_sha256")),
        sa.UniqueConstraint("previous_sha256", name=op.f("uq_audit_entries_previous_sha256")),
    )
    op.create_index("ix_audit_entries_case", "audit_entries", ["case_id"], unique=False)
    op.create_index("ix_audit_entries_subject", "audit_entries", ["subject_type", "subject_id"], unique=False)
    op.create_table(
        "entitlements",
        sa.Column("measure_id", sa.String(length=36), nullable=False, comment="measure that was ordered"),
        sa.Column("tenant_id", sa.String(length=200), nullable=False, comment="tenant restricted"),
        sa.Column("kind", sa.String(length=40), nullable=False, comment="kind of measure"),
        sa.Column("scope", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="what exactly is restricted"),
        sa.Column("restricted", sa.Boolean(), nullable=False, comment="whether the restriction works now"),
        sa.Column("emergency_calls", sa.Boolean(), nullable=False, comment="whether emergency calls still go through"),
        sa.Column("apply_key", sa.String(length=80), nullable=False, comment="key of the order that made it"),
        sa.Column("lift_key", sa.String(length=80), nullable=True, comment="key of the order to lift; null: none"),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, comment="when it changed last"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.PrimaryKeyConstraint("measure_id", name=op.f("pk_entitlements")),
    )
    op.create_index(op.f("ix_entitlements_tenant_id"), "entitlements", ["tenant_id"], unique=False)
    op.create_table(
        "homes",
        sa.Column("id", sa.String(length=36), nullable=False, comment="always 'home'"),
        sa.Column("simulated", sa.Boolean(), nullable=False, comment="whether the clock is simulated; set at init, for good"),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True, comment="what the simulated clock showed when it was set last; null: not simulated"),
        sa.Column("machine_at", sa.DateTime(timezone=True), nullable=True, comment="what the machine's clock showed then; null: not simulated"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("id = 'home'", name=op.f("ck_homes_one_home")),
        sa.CheckConstraint("simulated = (shown_at IS NOT NULL) AND simulated = (machine_at IS NOT NULL)", name=op.f("ck_homes_clock_is_whole")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_homes")),
    )
    op.create_table(
        "model_versions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("monday", sa.DateTime(timezone=True), nullable=False, comment="Monday 00:00 UTC that it was fitted for"),
        sa.Column("window_from", sa.DateTime(timezone=True), nullable=False, comment="first moment of the rows fitted on"),
        sa.Column("window_to", sa.DateTime(timezone=True), nullable=False, comment="end of the rows fitted on (exclusive)"),
        sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=False, comment="the clock when it was fitted"),
        sa.Column("recipe_version", sa.String(length=40), nullable=False, comment="version of the recipe's shipped constants"),
        sa.Column("parameters", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="estimators' parameters, constants"),
        sa.Column("features", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="names of the forest's features, in order"),
        sa.Column("lake_versions", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="Delta version of each table read"),
        sa.Column("library_versions", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="versions of the libraries used"),
        sa.Column("metrics", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="rows, series, episodes, rates"),
        sa.Column("threshold", sa.Double(), nullable=False, comment="score (-log10 p) from which an interval may be flagged"),
        sa.Column("file_name", sa.String(length=200), nullable=False, comment="skops file in the model folder"),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="SHA-256 of the file"),
        sa.Column("size_bytes", sa.Integer(), nullable=False, comment="size of the file"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("window_from < window_to", name=op.f("ck_model_versions_window")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_versions")),
        sa.UniqueConstraint("monday", name=op.f("uq_model_versions_monday")),
    )
    op.create_table(
        "parties",
        sa.Column("id", sa.String(length=200), nullable=False, comment="id of the tenants file"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parties")),
    )
    op.create_table(
        "personal_texts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("body", sa.Text(), nullable=True, comment="the text; null once erased"),
        sa.Column("salt", sa.String(length=64), nullable=True, comment="random, hex; null once erased"),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="SHA-256 of salt + text: what the log refers to"),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False, comment="when it was written"),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True, comment="when erased; null: still there"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_texts")),
    )
    op.create_table(
        "providers",
        sa.Column("id", sa.String(length=200), nullable=False, comment="id of the tenants file"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_providers")),
    )
    op.create_table(
        "traffic_changes",
        sa.Column("id", sa.String(length=36), nullable=False, comment="UUIDv7"),
        sa.Column("tenant_id", sa.String(length=200), nullable=False, comment="whose traffic changed"),
        sa.Column("bucket", sa.SmallInteger(), nullable=False, comment="the tenant's bucket in the lake"),
        sa.Column("first_interval", sa.DateTime(timezone=True), nullable=False, comment="first changed interval_start, UTC"),
        sa.Column("last_interval", sa.DateTime(timezone=True), nullable=False, comment="last changed interval_start, UTC"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when the ingest recorded it, UTC"),
        sa.Column("folded_at", sa.DateTime(timezone=True), nullable=True, comment="when its local days were folded again; null: not yet"),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=True, comment="when its intervals were scored again; null: not yet"),
        sa.CheckConstraint("first_interval <= last_interval", name=op.f("ck_traffic_changes_in_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traffic_changes")),
        comment="intervals of traffic that changed and must be folded and scored (again)",
    )
    op.create_index("ix_traffic_changes_folded_at_tenant_id", "traffic_changes", ["folded_at", "tenant_id"], unique=False)
    op.create_index("ix_traffic_changes_scored_at_bucket", "traffic_changes", ["scored_at", "bucket"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False, comment="name given to --as"),
        sa.Column("display_name", sa.String(length=200), nullable=True, comment="name shown; null: the user name"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="when the user was made"),
        sa.Column("created_by", sa.String(length=140), nullable=False, comment="who made it: user id, or system:task"),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True, comment="may not act from then on; null: may"),
        sa.Column("disabled_by", sa.String(length=140), nullable=True, comment="who disabled it; null: nobody"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("(disabled_at IS NULL) = (disabled_by IS NULL)", name=op.f("ck_users_disabling_is_whole")),
        sa.CheckConstraint("created_by <> id", name=op.f("ck_users_not_by_themself")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "watermarks",
        sa.Column("name", sa.String(length=100), nullable=False, comment="which run"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="everything before this moment is done, UTC"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_watermarks")),
        comment="how far each regular run has come",
    )
    op.create_table(
        "identities",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False, comment="whose"),
        sa.Column("kind", sa.Enum("account", "mail", "machine", "init", name="identitykind", native_enum=False, create_constraint=True, length=40), nullable=False, comment="what kind of identity"),
        sa.Column("value", sa.String(length=320), nullable=False, comment="the account or address, in its one form"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_identities_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("kind", "value", name=op.f("uq_identities_kind_value")),
    )
    op.create_index(op.f("ix_identities_user_id"), "identities", ["user_id"], unique=False)
    op.create_table(
        "model_promotions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("model_version_id", sa.String(length=36), nullable=False, comment="version promoted"),
        sa.Column("promoted_at", sa.DateTime(timezone=True), nullable=False, comment="the clock when it was promoted"),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False, comment="intervals from here on use it; a UTC midnight"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["model_version_id"], ["model_versions.id"], name=op.f("fk_model_promotions_model_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_promotions")),
    )
    op.create_index("ix_model_promotions_valid_from", "model_promotions", ["valid_from"], unique=False)
    op.create_table(
        "participations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False, comment="who"),
        sa.Column(
            "part",
            sa.Enum("claimed", "commented", "edited", "determined", "approved", "reaffirmed", "edited_contract", name="part", native_enum=False, create_constraint=True, length=40),
            nullable=False,
            comment="how they took part",
        ),
        sa.Column("tenant_id", sa.String(length=200), nullable=False, comment="tenant concerned"),
        sa.Column("case_id", sa.String(length=36), nullable=True, comment="case concerned; null for an edit of contract data"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_participations_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participations")),
    )
    op.create_index("ix_participations_case", "participations", ["case_id"], unique=False)
    op.create_index("ix_participations_tenant", "participations", ["tenant_id"], unique=False)
    op.create_table(
        "tenants",
        sa.Column("id", sa.String(length=200), nullable=False, comment="tenant_id of the traffic"),
        sa.Column("provider_id", sa.String(length=200), nullable=False, comment="who provides"),
        sa.Column("party_id", sa.String(length=200), nullable=False, comment="who signed"),
        sa.Column("name", sa.String(length=400), nullable=True, comment="legal name of the organisation, as letters name it; null: not given; never in the log"),
        sa.Column("time_zone", sa.String(length=64), nullable=False, comment="IANA zone of the tenant's local days"),
        sa.Column("country", sa.String(length=2), nullable=True, comment="country of order, ISO 3166-1 alpha-2; null: not given"),
        sa.Column("language", sa.String(length=35), nullable=False, comment="language of notices, BCP 47; en by default"),
        sa.Column("critical", sa.Boolean(), nullable=False, comment="hospital, crisis line ...: counsel must consent (gate 9)"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_tenants_party_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_tenants_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
    )
    op.create_table(
        "user_roles",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False, comment="who has it"),
        sa.Column(
            "role",
            sa.Enum("analyst", "reviewer", "approver", "counsel", "auditor", "admin", name="role", native_enum=False, create_constraint=True, length=40),
            nullable=False,
            comment="what they may do",
        ),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False, comment="from when on"),
        sa.Column("granted_by", sa.String(length=140), nullable=False, comment="who granted it: user id, or system:task"),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True, comment="until when; null: still"),
        sa.Column("revoked_by", sa.String(length=140), nullable=True, comment="who took it away; null: nobody"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name=op.f("ck_user_roles_revocation_is_whole")),
        sa.CheckConstraint("granted_by <> user_id", name=op.f("ck_user_roles_not_to_themself")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_roles_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_roles")),
    )
    op.create_index("uq_user_roles_held", "user_roles", ["user_id", "role"], unique=True, sqlite_where=sa.text("revoked_at IS NULL"), postgresql_where=sa.text("revoked_at IS NULL"))
    op.create_table(
        "cases",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, 3 ...: what people type"),
        sa.Column("tenant_id", sa.String(length=200), nullable=False, comment="tenant under review"),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "in_review",
                "dismissed",
                "determined",
                "expired",
                "approved",
                "noticed",
                "notice_failed",
                "withdrawn",
                "suspending",
                "suspended",
                "lifting",
                "reinstated",
                "lapsed",
                name="casestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
            comment="where the case stands",
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False, comment="when the case was opened"),
        sa.Column("opened_hour", sa.DateTime(timezone=True), nullable=False, comment="UTC hour of the flags that opened it: what the cap counts"),
        sa.Column("first_flag_at", sa.DateTime(timezone=True), nullable=False, comment="start of its earliest flag"),
        sa.Column("last_flag_at", sa.DateTime(timezone=True), nullable=False, comment="start of its latest flag"),
        sa.Column("top_score", sa.Double(), nullable=False, comment="highest score of its flags, -log10 p"),
        sa.Column("claimed_by", sa.String(length=36), nullable=True, comment="who works the case now; null: nobody"),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True, comment="since when it is claimed; null: by nobody"),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True, comment="when it reached a closed state; null while open"),
        sa.Column("in_queue", sa.Boolean(), nullable=False, comment="whether it waits for somebody: not closed, or flagged since it was closed"),
        sa.Column("queue_revision", sa.Integer(), nullable=False, comment="rises when it is opened or its score changes: how a reader of pages tells"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("(claimed_by IS NULL) = (claimed_at IS NULL)", name=op.f("ck_cases_claim_is_whole")),
        sa.CheckConstraint("in_queue OR closed_at IS NOT NULL", name=op.f("ck_cases_open_cases_wait")),
        sa.ForeignKeyConstraint(["claimed_by"], ["users.id"], name=op.f("fk_cases_claimed_by")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_cases_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
    )
    op.create_index(op.f("ix_cases_opened_hour"), "cases", ["opened_hour"], unique=False)
    op.create_index("ix_cases_queue_by_age", "cases", ["opened_at", "number"], unique=False, sqlite_where=sa.text("in_queue = 1"), postgresql_where=sa.text("in_queue"))
    op.create_index("ix_cases_queue_by_score", "cases", [sa.literal_column("top_score DESC"), "number"], unique=False, sqlite_where=sa.text("in_queue = 1"), postgresql_where=sa.text("in_queue"))
    op.create_index("ix_cases_queue_revision", "cases", ["queue_revision", "number"], unique=False)
    op.create_index("ix_cases_state_by_age", "cases", ["state", "opened_at", "number"], unique=False)
    op.create_index("ix_cases_state_by_score", "cases", ["state", sa.literal_column("top_score DESC"), "number"], unique=False)
    op.create_index("ix_cases_tenant", "cases", ["tenant_id", "state"], unique=False)
    op.create_index(
        "uq_cases_one_open_a_tenant",
        "cases",
        ["tenant_id"],
        unique=True,
        sqlite_where=sa.text("state NOT IN ('dismissed', 'expired', 'lapsed', 'reinstated', 'withdrawn')"),
        postgresql_where=sa.text("state NOT IN ('dismissed', 'expired', 'lapsed', 'reinstated', 'withdrawn')"),
    )
    op.create_table(
        "contract_confirmations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant_id", sa.String(length=200), nullable=False, comment="whose data"),
        sa.Column("by_user_id", sa.String(length=36), nullable=False, comment="who confirmed"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["by_user_id"], ["users.id"], name=op.f("fk_contract_confirmations_by_user_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_contract_confirmations_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_confirmations")),
    )
    op.create_index(op.f("ix_contract_confirmations_tenant_id"), "contract_confirmations", ["tenant_id"], unique=False)
    op.create_table(
        "feed_edits",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant_id", sa.String(length=200), nullable=False, comment="whose data changed"),
        sa.Column("feed", sa.String(length=80), nullable=False, comment="name of the feed (CJP_FRAUD_FEEDS)"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_feed_edits_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_edits")),
    )
    op.create_index(op.f("ix_feed_edits_tenant_id"), "feed_edits", ["tenant_id"], unique=False)
    op.create_table(
        "notice_plans",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False, comment="case that it serves"),
        sa.Column("proposal_id", sa.String(length=36), nullable=False, comment="proposal that was approved"),
        sa.Column("tenant_id", sa.String(length=200), nullable=False, comment="customer that is served"),
        sa.Column(
            "kind",
            sa.Enum("suspension", "withdrawal", "reinstatement", "reaffirmation", name="noticekind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
            comment="what the notices tell",
        ),
        sa.Column("mode", sa.Enum("observe", "act", name="platformmode", native_enum=False, create_constraint=True, length=40), nullable=False, comment="mode that was approved"),
        sa.Column("document", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="the draft that was approved: terms, recipients, language, subject, body"),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="SHA-256 of the document's canonical JSON"),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False, comment="when what it tells of was approved"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="when it was made; its first step is due"),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True, comment="nothing of it is sent from then on; null: in force"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("created_at >= approved_at", name=op.f("ck_notice_plans_after_the_approval")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_notice_plans_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_plans")),
        sa.UniqueConstraint("id", "created_at", name="uq_notice_plans_moment"),
        sa.UniqueConstraint("proposal_id", "kind", name=op.f("uq_notice_plans_proposal_id_kind")),
    )
    op.create_index("ix_notice_plans_case", "notice_plans", ["case_id"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant_id", sa.String(length=200), nullable=False, comment="one subscription a tenant, so far"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_subscriptions_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_subscriptions_tenant_id")),
    )
    op.create_table(
        "zone_changes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant_id", sa.String(length=200), nullable=False, comment="whose zone changed"),
        sa.Column("before", sa.String(length=64), nullable=False, comment="IANA zone before"),
        sa.Column("time_zone", sa.String(length=64), nullable=False, comment="IANA zone from then on"),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, comment="from when on the new zone counts"),
        sa.Column("source", sa.String(length=400), nullable=False, comment="file and line that said so"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_zone_changes_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_changes")),
    )
    op.create_index(op.f("ix_zone_changes_tenant_id"), "zone_changes", ["tenant_id"], unique=False)
    op.create_table(
        "addresses",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False, comment="what the contract calls it for: notice, legal ..."),
        sa.Column("method", sa.String(length=40), nullable=False, comment="method that it serves"),
        sa.Column("end_recorded_at", sa.DateTime(timezone=True), nullable=True, comment="when its end was recorded, whatever valid_to says; null: it has none"),
        sa.Column("text_id", sa.String(length=36), nullable=False, comment="the address itself"),
        sa.Column("subscription_id", sa.String(length=36), nullable=False, comment="of which subscription"),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True, comment="valid from; null: since before it was recorded"),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True, comment="valid until before, replaced or withdrawn then; null: still"),
        sa.Column("source", sa.String(length=400), nullable=False, comment="how we know it: file and line, or who entered it"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("valid_from IS NULL OR valid_to IS NULL OR valid_from <= valid_to", name=op.f("ck_addresses_validity")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_addresses_subscription_id")),
        sa.ForeignKeyConstraint(["text_id"], ["personal_texts.id"], name=op.f("fk_addresses_text_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_addresses")),
    )
    op.create_index("ix_addresses_subscription", "addresses", ["subscription_id", "role"], unique=False)
    op.create_table(
        "case_comments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False, comment="case"),
        sa.Column(
            "kind",
            sa.Enum("comment", "returned", "taken_back", "reopened", "withdrawn", name="commentkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
            comment="why it was written",
        ),
        sa.Column("by_user_id", sa.String(length=36), nullable=False, comment="who wrote it"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("text_id", sa.String(length=36), nullable=False, comment="the words"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["by_user_id"], ["users.id"], name=op.f("fk_case_comments_by_user_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_comments_case_id")),
        sa.ForeignKeyConstraint(["text_id"], ["personal_texts.id"], name=op.f("fk_case_comments_text_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_comments")),
    )
    op.create_index(op.f("ix_case_comments_case_id"), "case_comments", ["case_id"], unique=False)
    op.create_table(
        "disputes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False, comment="case disputed"),
        sa.Column("state", sa.Enum("open", "upheld", "rejected", name="disputestate", native_enum=False, create_constraint=True, length=40), nullable=False, comment="where it stands"),
        sa.Column("opened_by", sa.String(length=140), nullable=False, comment="who entered it: user id or system:"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False, comment="when it was received"),
        sa.Column("answer_due_at", sa.DateTime(timezone=True), nullable=False, comment="internal target of the answer"),
        sa.Column("text_id", sa.String(length=36), nullable=False, comment="the tenant's words"),
        sa.Column("decided_by", sa.String(length=36), nullable=True, comment="who decided; null: open"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True, comment="when decided; null: open"),
        sa.Column("decision_text_id", sa.String(length=36), nullable=True, comment="the decision's reasons; null: open"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint(
            "(state = 'open') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL) AND (decided_at IS NULL) = (decision_text_id IS NULL)", name=op.f("ck_disputes_decision_is_whole")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_disputes_case_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_disputes_decided_by")),
        sa.ForeignKeyConstraint(["decision_text_id"], ["personal_texts.id"], name=op.f("fk_disputes_decision_text_id")),
        sa.ForeignKeyConstraint(["text_id"], ["personal_texts.id"], name=op.f("fk_disputes_text_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index(op.f("ix_disputes_case_id"), "disputes", ["case_id"], unique=False)
    op.create_table(
        "episodes",
        sa.Column("id", sa.String(length=64), nullable=False, comment="hash of the tenant and the first flag when it was made"),
        sa.Column("tenant_id", sa.String(length=200), nullable=False, comment="tenant flagged"),
        sa.Column("case_id", sa.String(length=36), nullable=True, comment="its case; null: overflow, or joined to another"),
        sa.Column("first_flag_at", sa.DateTime(timezone=True), nullable=False, comment="its earliest flag in force"),
        sa.Column("last_flag_at", sa.DateTime(timezone=True), nullable=False, comment="its latest flag in force"),
        sa.Column("top_score", sa.Double(), nullable=False, comment="highest score of its flags in force"),
        sa.Column("flag_count", sa.Integer(), nullable=False, comment="flags in force; 0: all superseded or moved"),
        sa.Column("joined_to", sa.String(length=64), nullable=True, comment="older episode that took its flags over; null: none did"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, comment="when the episode was first recorded"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_episodes_case_id")),
        sa.ForeignKeyConstraint(["joined_to"], ["episodes.id"], name=op.f("fk_episodes_joined_to")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_episodes_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_episodes")),
    )
    op.create_index(op.f("ix_episodes_case_id"), "episodes", ["case_id"], unique=False)
    op.create_index("ix_episodes_tenant_first", "episodes", ["tenant_id", "first_flag_at"], unique=False)
    op.create_table(
        "evidence_sets",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False, comment="case"),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="canonical JSON of flags and traffic"),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="SHA-256 of the document"),
        sa.Column("row_count", sa.Integer(), nullable=False, comment="rows of traffic and scores inside"),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False, comment="when it was frozen"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_evidence_sets_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_sets")),
    )
    op.create_index(op.f("ix_evidence_sets_case_id"), "evidence_sets", ["case_id"], unique=False)
    op.create_table(
        "followed_zone_changes",
        sa.Column("zone_change_id", sa.String(length=36), nullable=False, comment="the change that is followed"),
        sa.Column("followed_at", sa.DateTime(timezone=True), nullable=False, comment="the clock when it was followed"),
        sa.Column("traffic_from", sa.DateTime(timezone=True), nullable=True, comment="first interval that the lake still had, UTC; null: none"),
        sa.ForeignKeyConstraint(["zone_change_id"], ["zone_changes.id"], name=op.f("fk_followed_zone_changes_zone_change_id")),
        sa.PrimaryKeyConstraint("zone_change_id", name=op.f("pk_followed_zone_changes")),
    )
    op.create_table(
        "governing_documents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reference", sa.String(length=400), nullable=True, comment="title, number, version of the document; null: not known which governs"),
        sa.Column(
            "suspension_right",
            sa.Enum("clause_2_4", "none", "not_read", name="right", native_enum=False, create_constraint=True, length=40),
            nullable=False,
            comment="whether it gives the right of clause 2.4",
        ),
        sa.Column("longest_measure_hours", sa.Integer(), nullable=True, comment="longest suspension that it allows, hours; null: it names none, or was not read"),
        sa.Column("filing_stops", sa.Boolean(), nullable=False, comment="a dispute that is only filed already stops a measure"),
        sa.Column("origin", sa.Enum("tenants_file", "counsel", name="origin", native_enum=False, create_constraint=True, length=40), nullable=False, comment="where it came from"),
        sa.Column("version", sa.Integer(), nullable=False, comment="1, 2, 3 ... within the subscription"),
        sa.Column("subscription_id", sa.String(length=36), nullable=False, comment="of which subscription"),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True, comment="valid from; null: since before it was recorded"),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True, comment="valid until before, replaced or withdrawn then; null: still"),
        sa.Column("source", sa.String(length=400), nullable=False, comment="how we know it: file and line, or who entered it"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("longest_measure_hours IS NULL OR longest_measure_hours > 0", name=op.f("ck_governing_documents_longest_measure")),
        sa.CheckConstraint("valid_from IS NULL OR valid_to IS NULL OR valid_from <= valid_to", name=op.f("ck_governing_documents_validity")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_governing_documents_subscription_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_governing_documents")),
        sa.UniqueConstraint("subscription_id", "version", name=op.f("uq_governing_documents_subscription_id_version")),
    )
    op.create_index("uq_governing_documents_current", "governing_documents", ["subscription_id"], unique=True, sqlite_where=sa.text("valid_to IS NULL"), postgresql_where=sa.text("valid_to IS NULL"))
    op.create_table(
        "need_statements",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False, comment="case"),
        sa.Column("by_user_id", sa.String(length=36), nullable=False, comment="who says so"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("reasons_text_id", sa.String(length=36), nullable=False, comment="the reasons"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["by_user_id"], ["users.id"], name=op.f("fk_need_statements_by_user_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_need_statements_case_id")),
        sa.ForeignKeyConstraint(["reasons_text_id"], ["personal_texts.id"], name=op.f("fk_need_statements_reasons_text_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_statements")),
    )
    op.create_index(op.f("ix_need_statements_case_id"), "need_statements", ["case_id"], unique=False)
    op.create_table(
        "notice_terms",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reading", sa.Enum("read", "not_read", name="reading", native_enum=False, create_constraint=True, length=40), nullable=False, comment="whether the clause was read"),
        sa.Column("terms", sa.Text(), nullable=True, comment="canonical JSON of NoticeTerms; null exactly where the clause was not read"),
        sa.Column("origin", sa.Enum("tenants_file", "counsel", name="origin", native_enum=False, create_constraint=True, length=40), nullable=False, comment="where it came from"),
        sa.Column("version", sa.Integer(), nullable=False, comment="1, 2, 3 ... within the subscription"),
        sa.Column("subscription_id", sa.String(length=36), nullable=False, comment="of which subscription"),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True, comment="valid from; null: since before it was recorded"),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True, comment="valid until before, replaced or withdrawn then; null: still"),
        sa.Column("source", sa.String(length=400), nullable=False, comment="how we know it: file and line, or who entered it"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("(reading = 'read') = (terms IS NOT NULL)", name=op.f("ck_notice_terms_terms_if_read")),
        sa.CheckConstraint("valid_from IS NULL OR valid_to IS NULL OR valid_from <= valid_to", name=op.f("ck_notice_terms_validity")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_notice_terms_subscription_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_terms")),
        sa.UniqueConstraint("subscription_id", "version", name=op.f("uq_notice_terms_subscription_id_version")),
    )
    op.create_index("uq_notice_terms_current", "notice_terms", ["subscription_id"], unique=True, sqlite_where=sa.text("valid_to IS NULL"), postgresql_where=sa.text("valid_to IS NULL"))
    op.create_table(
        "sites",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("subscription_id", sa.String(length=36), nullable=False, comment="one site a subscription, so far"),
        sa.Column("country", sa.String(length=2), nullable=True, comment="ISO 3166-1 alpha-2; null: not given"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_sites_subscription_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("subscription_id", name=op.f("uq_sites_subscription_id")),
    )
    op.create_table(
        "stops",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False, comment="case stopped"),
        sa.Column("kind", sa.Enum("dispute_upheld", "counsel_order", name="stopkind", native_enum=False, create_constraint=True, length=40), nullable=False, comment="what kind of stop"),
        sa.Column("subject_id", sa.String(length=64), nullable=False, comment="dispute concerned; the order's own id where counsel orders"),
        sa.Column("opened_by", sa.String(length=140), nullable=False, comment="user id, or system:task"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False, comment="since when it stands"),
        sa.Column("reason_text_id", sa.String(length=36), nullable=True, comment="why; null where the subject says it"),
        sa.Column("cleared_by", sa.String(length=140), nullable=True, comment="who cleared it; null: it stands"),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True, comment="when cleared; null: it stands"),
        sa.Column("clearing_text_id", sa.String(length=36), nullable=True, comment="why cleared; null: it stands, or a dispute was rejected"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("(cleared_at IS NULL) = (cleared_by IS NULL)", name=op.f("ck_stops_clearing_is_whole")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_stops_case_id")),
        sa.ForeignKeyConstraint(["clearing_text_id"], ["personal_texts.id"], name=op.f("fk_stops_clearing_text_id")),
        sa.ForeignKeyConstraint(["reason_text_id"], ["personal_texts.id"], name=op.f("fk_stops_reason_text_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stops")),
        sa.UniqueConstraint("case_id", "kind", "subject_id", name=op.f("uq_stops_case_id_kind_subject_id")),
    )
    op.create_table(
        "subscription_terms",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plan", sa.String(length=100), nullable=True, comment="plan bought; null: not given"),
        sa.Column("offer_version", sa.String(length=40), nullable=True, comment="10.0, 9.9; null: not given"),
        sa.Column(
            "purchase_model",
            sa.Enum("named", "concurrent", name="purchasemodel", native_enum=False, create_constraint=True, length=40),
            nullable=True,
            comment="named or concurrent agents; null: not given",
        ),
        sa.Column("agents_standard", sa.Integer(), nullable=True, comment="standard agents; null: not given"),
        sa.Column("agents_premium", sa.Integer(), nullable=True, comment="premium agents; null: not given"),
        sa.Column("hosting", sa.Enum("provider", "partner", "on_premises", name="hosting", native_enum=False, create_constraint=True, length=40), nullable=False, comment="who runs it (clause 3)"),
        sa.Column("product", sa.String(length=100), nullable=True, comment="product deployed; null: not given"),
        sa.Column("support_level", sa.String(length=40), nullable=True, comment="clause 2.2; null: not given"),
        sa.Column("term_from", sa.DateTime(timezone=True), nullable=True, comment="first moment of the term (clause 2.1); null: not given"),
        sa.Column("term_to", sa.DateTime(timezone=True), nullable=True, comment="first moment after the term; null: not given"),
        sa.Column("provisioning_notice_date", sa.String(length=10), nullable=True, comment="date of the notice of provisioning (clause 2.1), ISO 8601; null: not given"),
        sa.Column("provisioning_notice_part", sa.String(length=400), nullable=True, comment="part of what was bought that the notice is of; null: not given"),
        sa.Column("provisioning_notice_proof", sa.String(length=500), nullable=True, comment="where its proof lies: file:NAME sha256:DIGEST, or dms:ID; null: not given"),
        sa.Column("notice_method", sa.String(length=40), nullable=True, comment="method named in the tenants file; null: not given"),
        sa.Column("version", sa.Integer(), nullable=False, comment="1, 2, 3 ... within the subscription"),
        sa.Column("subscription_id", sa.String(length=36), nullable=False, comment="of which subscription"),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True, comment="valid from; null: since before it was recorded"),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True, comment="valid until before, replaced or withdrawn then; null: still"),
        sa.Column("source", sa.String(length=400), nullable=False, comment="how we know it: file and line, or who entered it"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("(agents_standard IS NULL OR agents_standard >= 0) AND (agents_premium IS NULL OR agents_premium >= 0)", name=op.f("ck_subscription_terms_agents")),
        sa.CheckConstraint("term_from IS NULL OR term_to IS NULL OR term_from < term_to", name=op.f("ck_subscription_terms_term")),
        sa.CheckConstraint("valid_from IS NULL OR valid_to IS NULL OR valid_from <= valid_to", name=op.f("ck_subscription_terms_validity")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_subscription_terms_subscription_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_terms")),
        sa.UniqueConstraint("subscription_id", "version", name=op.f("uq_subscription_terms_subscription_id_version")),
    )
    op.create_index("uq_subscription_terms_current", "subscription_terms", ["subscription_id"], unique=True, sqlite_where=sa.text("valid_to IS NULL"), postgresql_where=sa.text("valid_to IS NULL"))
    op.create_table(
        "determinations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False, comment="case"),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, 3 ... in the case"),
        sa.Column(
            "finding", sa.Enum("fraudulent", "not_fraudulent", "undetermined", name="finding", native_enum=False, create_constraint=True, length=40), nullable=False, comment="what the person found"
        ),
        sa.Column(
            "tenants_part",
            sa.Enum("victim", "complicit", "unknown", name="tenantspart", native_enum=False, create_constraint=True, length=40),
            nullable=True,
            comment="the tenant's part; null where no fraud was found",
        ),
        sa.Column(
            "grounds", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="why it is fraud, from the catalogue (review/grounds.py); empty where no fraud was found"
        ),
        sa.Column("reasons_text_id", sa.String(length=36), nullable=False, comment="the reasons"),
        sa.Column("by_user_id", sa.String(length=36), nullable=False, comment="who determined"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("evidence_set_id", sa.String(length=36), nullable=True, comment="what it rests on; null unless fraudulent"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("(finding = 'fraudulent') = (CAST(grounds AS TEXT) <> '[]')", name=op.f("ck_determinations_fraud_has_grounds")),
        sa.CheckConstraint("finding <> 'fraudulent' OR (evidence_set_id IS NOT NULL AND tenants_part IS NOT NULL)", name=op.f("ck_determinations_fraud_has_evidence_and_part")),
        sa.ForeignKeyConstraint(["by_user_id"], ["users.id"], name=op.f("fk_determinations_by_user_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_determinations_case_id")),
        sa.ForeignKeyConstraint(["evidence_set_id"], ["evidence_sets.id"], name=op.f("fk_determinations_evidence_set_id")),
        sa.ForeignKeyConstraint(["reasons_text_id"], ["personal_texts.id"], name=op.f("fk_determinations_reasons_text_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_determinations")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_determinations_case_id_number")),
        sa.UniqueConstraint("id", "at", name="uq_determinations_moment"),
    )
    op.create_table(
        "flags",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("series_id", sa.String(length=64), nullable=False, comment="hash of tenant, channel, direction, application and interval length"),
        sa.Column("tenant_id", sa.String(length=200), nullable=False, comment="tenant flagged"),
        sa.Column("channel", sa.String(length=20), nullable=False, comment="voice, chat, email, sms or social"),
        sa.Column("direction", sa.String(length=20), nullable=False, comment="inbound or outbound"),
        sa.Column("application_id", sa.String(length=200), nullable=True, comment="third-party application or bot that carried it; null: none"),
        sa.Column("interval_seconds", sa.Integer(), nullable=False, comment="length of the interval, seconds"),
        sa.Column("interval_start", sa.DateTime(timezone=True), nullable=False, comment="start of the interval"),
        sa.Column(
            "quantity",
            sa.Enum("contacts", "minutes", "concurrency", "charge", name="quantity", native_enum=False, create_constraint=True, length=40),
            nullable=False,
            comment="what the excess is counted in",
        ),
        sa.Column("observed", sa.Double(), nullable=False, comment="what was seen, in the quantity"),
        sa.Column("baseline", sa.Double(), nullable=False, comment="what is usual, in the quantity"),
        sa.Column("excess", sa.Double(), nullable=False, comment="observed minus baseline"),
        sa.Column("score", sa.Double(), nullable=False, comment="-log10 p"),
        sa.Column("p_value", sa.Double(), nullable=False, comment="chance of such an interval, or a worse one"),
        sa.Column("threshold", sa.Double(), nullable=False, comment="score at which the model version flags"),
        sa.Column("model_version", sa.String(length=64), nullable=True, comment="model version that scored it; null: the shipped constants"),
        sa.Column("reasons", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="why, in words and numbers"),
        sa.Column("episode_id", sa.String(length=64), nullable=True, comment="its episode; null only while it is recorded"),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True, comment="when a later scoring took it back or replaced it; null: in force"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("excess > 0", name=op.f("ck_flags_upward")),
        sa.ForeignKeyConstraint(["episode_id"], ["episodes.id"], name=op.f("fk_flags_episode_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_flags_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flags")),
    )
    op.create_index(op.f("ix_flags_episode_id"), "flags", ["episode_id"], unique=False)
    op.create_index("ix_flags_interval", "flags", ["interval_start"], unique=False)
    op.create_index("ix_flags_tenant_interval", "flags", ["tenant_id", "interval_start"], unique=False)
    op.create_index("uq_flags_one_in_force", "flags", ["series_id", "interval_start"], unique=True, sqlite_where=sa.text("superseded_at IS NULL"), postgresql_where=sa.text("superseded_at IS NULL"))
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plan_id", sa.String(length=36), nullable=False, comment="plan that it belongs to"),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False, comment="when the plan was made"),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, 3 ... within the plan"),
        sa.Column("step", sa.Integer(), nullable=False, comment="step of the contract's sequence, from 1"),
        sa.Column("method_index", sa.Integer(), nullable=False, comment="place of its method in the step, from 0"),
        sa.Column("method", sa.String(length=40), nullable=False, comment="method of serving"),
        sa.Column(
            "basis",
            sa.Enum("queued", "attempted", "sent", "accepted", "relayed", "delivered", "displayed", "acknowledged", name="deliverystatus", native_enum=False, create_constraint=True, length=40),
            nullable=False,
            comment="delivery status from which it counts as received",
        ),
        sa.Column("required", sa.Boolean(), nullable=False, comment="false for an address replaced lately, which is served too but decides nothing"),
        sa.Column(
            "kind",
            sa.Enum("suspension", "withdrawal", "reinstatement", "reaffirmation", name="noticekind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
            comment="what it tells",
        ),
        sa.Column("language", sa.String(length=35), nullable=False, comment="language of the letter, BCP 47"),
        sa.Column("template", sa.String(length=100), nullable=False, comment="template that it was made from"),
        sa.Column("template_version", sa.String(length=100), nullable=False, comment="version of the template"),
        sa.Column("address_id", sa.String(length=36), nullable=False, comment="address that is served"),
        sa.Column("address_known", sa.String(length=800), nullable=False, comment="how we knew the address, and since when"),
        sa.Column("clause", sa.String(length=800), nullable=False, comment="document and clause relied on"),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True, comment="when its step fell due; null: the step before is not complete"),
        sa.Column(
            "state",
            sa.Enum("planned", "deferred", "sent", "failed", "observed", name="noticestate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
            comment="how far it has come",
        ),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True, comment="Date of the letter: the attempt that it was built for; null: not built yet"),
        sa.Column("states_end_at", sa.DateTime(timezone=True), nullable=True, comment="latest end of the measure that the letter states; null: not built yet, or it announces none"),
        sa.Column("reference", sa.String(length=255), nullable=True, comment="name under which its method knows it (email: Message-ID); null: not built yet"),
        sa.Column("message", sa.LargeBinary(), nullable=True, comment="the exact bytes that are served, of the newest attempt; null: not built yet"),
        sa.Column("message_sha256", sa.String(length=64), nullable=True, comment="SHA-256 of the bytes; null: not built yet"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("state <> 'sent' OR message IS NOT NULL", name=op.f("ck_notices_sent_has_bytes")),
        sa.CheckConstraint("(message IS NULL) = (message_sha256 IS NULL) AND (message IS NULL) = (dispatched_at IS NULL)", name=op.f("ck_notices_message_whole")),
        sa.CheckConstraint("dispatched_at IS NULL OR dispatched_at >= planned_at", name=op.f("ck_notices_after_the_plan")),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name=op.f("fk_notices_address_id")),
        sa.ForeignKeyConstraint(["plan_id", "planned_at"], ["notice_plans.id", "notice_plans.created_at"], name="fk_notices_plan"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("plan_id", "number", name=op.f("uq_notices_plan_id_number")),
        sa.UniqueConstraint("reference", name=op.f("uq_notices_reference")),
    )
    op.create_table(
        "determination_flags",
        sa.Column("determination_id", sa.String(length=36), nullable=False, comment="determination"),
        sa.Column("flag_id", sa.String(length=36), nullable=False, comment="flag that it names"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["determination_id"], ["determinations.id"], name=op.f("fk_determination_flags_determination_id")),
        sa.ForeignKeyConstraint(["flag_id"], ["flags.id"], name=op.f("fk_determination_flags_flag_id")),
        sa.PrimaryKeyConstraint("determination_id", "flag_id", name=op.f("pk_determination_flags")),
    )
    op.create_index(op.f("ix_determination_flags_flag_id"), "determination_flags", ["flag_id"], unique=False)
    op.create_table(
        "notice_attempts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("notice_id", sa.String(length=36), nullable=False, comment="notice that is served"),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, 3 ... within the notice"),
        sa.Column("method", sa.String(length=40), nullable=False, comment="method of serving"),
        sa.Column("message", sa.LargeBinary(), nullable=False, comment="the exact bytes that it serves"),
        sa.Column("message_sha256", sa.String(length=64), nullable=False, comment="SHA-256 of the bytes"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="when it began"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="when its outcome was known; null: open, or interrupted"),
        sa.Column(
            "outcome",
            sa.Enum("sent", "deferred", "failed", "unknown", name="outcome", native_enum=False, create_constraint=True, length=40),
            nullable=True,
            comment="how it ended; null: open, or interrupted",
        ),
        sa.Column("evidence", sa.Text(), nullable=True, comment="all that was said, for example the SMTP dialogue; null: open, or interrupted"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name=op.f("ck_notice_attempts_outcome_when_finished")),
        sa.CheckConstraint("finished_at IS NULL OR finished_at >= started_at", name=op.f("ck_notice_attempts_ends_after_it_began")),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_notice_attempts_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_attempts")),
        sa.UniqueConstraint("notice_id", "number", name=op.f("uq_notice_attempts_notice_id_number")),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False, comment="case"),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, 3 ... in the case"),
        sa.Column("determination_id", sa.String(length=36), nullable=False, comment="determination"),
        sa.Column("determined_at", sa.DateTime(timezone=True), nullable=False, comment="when the fraud was determined"),
        sa.Column("determined_by", sa.String(length=36), nullable=False, comment="who may not approve"),
        sa.Column("mode", sa.Enum("observe", "act", name="platformmode", native_enum=False, create_constraint=True, length=40), nullable=False, comment="observe or act"),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="canonical JSON of all that is proposed"),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="SHA-256 of the document: what an approval binds"),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False, comment="when it was drawn up"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="unapproved by then, it expires"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("drawn_at >= determined_at", name=op.f("ck_proposals_after_the_determination")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_proposals_case_id")),
        sa.ForeignKeyConstraint(["determination_id", "determined_at"], ["determinations.id", "determinations.at"], name="fk_proposals_determination"),
        sa.ForeignKeyConstraint(["determined_by"], ["users.id"], name=op.f("fk_proposals_determined_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_proposals_case_id_number")),
        sa.UniqueConstraint("id", "sha256", "determined_by", "drawn_at", name="uq_proposals_version"),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("proposal_id", sa.String(length=36), nullable=False, comment="proposal approved"),
        sa.Column("proposal_sha256", sa.String(length=64), nullable=False, comment="digest of the version approved"),
        sa.Column("determined_by", sa.String(length=36), nullable=False, comment="who determined"),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False, comment="when the proposal was drawn up"),
        sa.Column("capacity", sa.Enum("approver", "counsel", name="capacity", native_enum=False, create_constraint=True, length=40), nullable=False, comment="approver or counsel"),
        sa.Column("by_user_id", sa.String(length=36), nullable=False, comment="who approved"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("at >= drawn_at", name=op.f("ck_approvals_after_the_proposal")),
        sa.CheckConstraint("by_user_id <> determined_by", name=op.f("ck_approvals_second_person")),
        sa.ForeignKeyConstraint(["by_user_id"], ["users.id"], name=op.f("fk_approvals_by_user_id")),
        sa.ForeignKeyConstraint(["determined_by"], ["users.id"], name=op.f("fk_approvals_determined_by")),
        sa.ForeignKeyConstraint(
            ["proposal_id", "proposal_sha256", "determined_by", "drawn_at"], ["proposals.id", "proposals.sha256", "proposals.determined_by", "proposals.drawn_at"], name="fk_approvals_version"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("id", "proposal_id", "at", name="uq_approvals_of_proposal"),
        sa.UniqueConstraint("proposal_id", "by_user_id", name=op.f("uq_approvals_proposal_id_by_user_id")),
    )
    op.create_table(
        "delivery_events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("notice_id", sa.String(length=36), nullable=False, comment="notice concerned"),
        sa.Column("attempt_id", sa.String(length=36), nullable=True, comment="attempt concerned; null where it is of none in particular"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when it happened, as far as known"),
        sa.Column("source", sa.String(length=200), nullable=False, comment="smtp, delivery report and its file, ..."),
        sa.Column(
            "status",
            sa.Enum("queued", "attempted", "sent", "accepted", "relayed", "delivered", "displayed", "acknowledged", name="deliverystatus", native_enum=False, create_constraint=True, length=40),
            nullable=False,
            comment="delivery status that it shows",
        ),
        sa.Column("negative", sa.Boolean(), nullable=False, comment="it says that the notice did not arrive"),
        sa.Column("authenticated", sa.Boolean(), nullable=False, comment="false: it proves nothing, either way"),
        sa.Column("raw", sa.Text(), nullable=False, comment="the raw text"),
        sa.Column("report_sha256", sa.String(length=64), nullable=True, comment="SHA-256 of the report's bytes, so that it counts once; null: not from a report"),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True, comment="when a person decided that the notice stands in spite of it; null: nobody has"),
        sa.Column("resolved_by", sa.String(length=140), nullable=True, comment="who decided so; null: nobody has"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("(resolved_at IS NULL) = (resolved_by IS NULL)", name=op.f("ck_delivery_events_resolution_whole")),
        sa.ForeignKeyConstraint(["attempt_id"], ["notice_attempts.id"], name=op.f("fk_delivery_events_attempt_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_delivery_events_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_events")),
        sa.UniqueConstraint("notice_id", "report_sha256", name=op.f("uq_delivery_events_notice_id_report_sha256")),
    )
    op.create_index("ix_delivery_events_notice", "delivery_events", ["notice_id"], unique=False)
    op.create_table(
        "smtp_attempts",
        sa.Column("attempt_id", sa.String(length=36), nullable=False, comment="the attempt"),
        sa.Column("envelope_from", sa.String(length=255), nullable=False, comment="return path of this attempt alone, with an unguessable token"),
        sa.Column("envid", sa.String(length=100), nullable=False, comment="ENVID of RFC 3461"),
        sa.Column("host", sa.String(length=255), nullable=False, comment="mail server"),
        sa.Column("port", sa.Integer(), nullable=False, comment="its port"),
        sa.Column("reply_code", sa.Integer(), nullable=True, comment="the reply that decided the outcome; null: none came"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["attempt_id"], ["notice_attempts.id"], name=op.f("fk_smtp_attempts_attempt_id")),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_smtp_attempts")),
        sa.UniqueConstraint("envelope_from", name=op.f("uq_smtp_attempts_envelope_from")),
        sa.UniqueConstraint("envid", name=op.f("uq_smtp_attempts_envid")),
    )
    op.create_table(
        "measures",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False, comment="case"),
        sa.Column("tenant_id", sa.String(length=200), nullable=False, comment="tenant restricted"),
        sa.Column("proposal_id", sa.String(length=36), nullable=False, comment="proposal carried out"),
        sa.Column("approval_id", sa.String(length=36), nullable=False, comment="approval that it stands on"),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False, comment="when it was approved"),
        sa.Column("notice_plan_id", sa.String(length=36), nullable=False, comment="notice before it"),
        sa.Column("permitted_at", sa.DateTime(timezone=True), nullable=True, comment="from when the contract's notice let it follow; null: only observed, no notice went out"),
        sa.Column("mode", sa.Enum("observe", "act", name="platformmode", native_enum=False, create_constraint=True, length=40), nullable=False, comment="observe: never sent"),
        sa.Column(
            "kind",
            sa.Enum(
                "block_destinations",
                "limit_origins",
                "limit_rate",
                "suspend_principal",
                "suspend_application",
                "suspend_channel",
                "suspend_all_access",
                name="measurekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
            comment="kind of measure",
        ),
        sa.Column("scope", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="what exactly is restricted"),
        sa.Column(
            "state",
            sa.Enum("ordered", "in_force", "lifting", "ended", "never_in_force", "observed", name="measurestate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
            comment="where it stands",
        ),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False, comment="when the gate opened for it"),
        sa.Column("in_force_at", sa.DateTime(timezone=True), nullable=True, comment="when read-back confirmed it; null: not yet, or never"),
        sa.Column("review_at", sa.DateTime(timezone=True), nullable=False, comment="lapses then unless reaffirmed"),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="ends then at the latest"),
        sa.Column("latest_end_at", sa.DateTime(timezone=True), nullable=True, comment="the term or the contract's longest duration runs out, whichever is first; null: neither is known"),
        sa.Column("ending", sa.Enum("reinstated", "lapsed", name="ending", native_enum=False, create_constraint=True, length=40), nullable=True, comment="how it ends; null: it stands"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="when read-back showed nothing in force any more; null: it stands"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("(mode = 'act') = (state <> 'observed')", name=op.f("ck_measures_only_acts_restrict")),
        sa.CheckConstraint("mode <> 'act' OR (permitted_at IS NOT NULL AND ordered_at >= permitted_at)", name=op.f("ck_measures_after_the_notice")),
        sa.CheckConstraint("state <> 'ended' OR (ended_at IS NOT NULL AND ending IS NOT NULL)", name=op.f("ck_measures_ended_when")),
        sa.CheckConstraint("state NOT IN ('in_force', 'lifting') OR in_force_at IS NOT NULL", name=op.f("ck_measures_in_force_since")),
        sa.CheckConstraint("ended_at IS NULL OR in_force_at IS NULL OR ended_at >= in_force_at", name=op.f("ck_measures_ended_after_it_began")),
        sa.CheckConstraint("in_force_at IS NULL OR in_force_at >= ordered_at", name=op.f("ck_measures_in_force_after_the_order")),
        sa.CheckConstraint("ordered_at < ends_at", name=op.f("ck_measures_has_an_end")),
        sa.CheckConstraint("ordered_at >= approved_at", name=op.f("ck_measures_after_the_approval")),
        sa.CheckConstraint("review_at <= ends_at", name=op.f("ck_measures_review_before_end")),
        sa.ForeignKeyConstraint(["approval_id", "proposal_id", "approved_at"], ["approvals.id", "approvals.proposal_id", "approvals.at"], name="fk_measures_approval"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_measures_case_id")),
        sa.ForeignKeyConstraint(["notice_plan_id"], ["notice_plans.id"], name=op.f("fk_measures_notice_plan_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_measures_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measures")),
    )
    op.create_index(op.f("ix_measures_tenant_id"), "measures", ["tenant_id"], unique=False)
    op.create_index("uq_measures_observed_once", "measures", ["proposal_id"], unique=True, sqlite_where=sa.text("state = 'observed'"), postgresql_where=sa.text("state = 'observed'"))
    op.create_index(
        "uq_measures_one_unfinished_a_case",
        "measures",
        ["case_id"],
        unique=True,
        sqlite_where=sa.text("state NOT IN ('ended', 'never_in_force', 'observed')"),
        postgresql_where=sa.text("state NOT IN ('ended', 'never_in_force', 'observed')"),
    )
    op.create_table(
        "platform_commands",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("measure_id", sa.String(length=36), nullable=False, comment="measure concerned"),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, 3 ... of the measure"),
        sa.Column("kind", sa.Enum("apply", "lift", name="commandkind", native_enum=False, create_constraint=True, length=40), nullable=False, comment="apply or lift"),
        sa.Column("idempotency_key", sa.String(length=80), nullable=False, comment="the same on every try, so that the platform does it once"),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="canonical JSON of the order"),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="SHA-256 of the document"),
        sa.Column("ordered_by", sa.String(length=140), nullable=False, comment="user id, or system:task on the approval"),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, before the call"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="when its outcome was recorded; null: sent or not, nobody knows yet"),
        sa.Column(
            "outcome",
            sa.Enum("done", "refused", "failed", "observed", name="commandoutcome", native_enum=False, create_constraint=True, length=40),
            nullable=True,
            comment="by read-back; null: not known yet",
        ),
        sa.Column("read_back", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True, comment="what the platform said afterwards; null: not asked yet"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.CheckConstraint("(finished_at IS NULL) = (outcome IS NULL)", name=op.f("ck_platform_commands_outcome_is_whole")),
        sa.ForeignKeyConstraint(["measure_id"], ["measures.id"], name=op.f("fk_platform_commands_measure_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_commands")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_platform_commands_idempotency_key")),
        sa.UniqueConstraint("measure_id", "number", name=op.f("uq_platform_commands_measure_id_number")),
    )
    op.create_table(
        "reaffirmations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("measure_id", sa.String(length=36), nullable=False, comment="measure kept"),
        sa.Column("round", sa.Integer(), nullable=False, comment="1, 2, 3 ...; a round is complete with two people"),
        sa.Column("by_user_id", sa.String(length=36), nullable=False, comment="who reaffirms"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("reasons_text_id", sa.String(length=36), nullable=False, comment="the fresh reasons"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was recorded, by the clock of the machine or of the database server"),
        sa.ForeignKeyConstraint(["by_user_id"], ["users.id"], name=op.f("fk_reaffirmations_by_user_id")),
        sa.ForeignKeyConstraint(["measure_id"], ["measures.id"], name=op.f("fk_reaffirmations_measure_id")),
        sa.ForeignKeyConstraint(["reasons_text_id"], ["personal_texts.id"], name=op.f("fk_reaffirmations_reasons_text_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reaffirmations")),
        sa.UniqueConstraint("measure_id", "round", "by_user_id", name=op.f("uq_reaffirmations_measure_id_round_by_user_id")),
    )
    for statement in FURTHER[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the first migration is not taken back: it would delete the audit log")
