-- Ids are compared byte by byte, whatever the database's own collation: that is cheaper where it
-- compares as a language does, and an index of ids stays right when the server's rules of that
-- language are replaced. Most ids always were; these are the others, but for a store's readable id, on
-- which views stand.

-- In the order in which writers take them: the audit log comes last.
lock table vyapar.user_permissions, vyapar.customer_credits, vyapar.store_order_counts, vyapar.orders,
    vyapar.audit_logs in access exclusive mode;

alter table vyapar.orders alter column tracking_id type varchar collate "C";
alter table vyapar.audit_logs
    alter column entity_type type varchar collate "C",
    alter column entity_id type varchar collate "C";
alter table vyapar.store_order_counts alter column order_id type varchar collate "C";
alter table vyapar.customer_credits alter column order_id type varchar collate "C";
alter table vyapar.user_permissions alter column assignment_id type varchar collate "C";
