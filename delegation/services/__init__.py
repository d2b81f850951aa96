"""What people and programs can do. Each service checks the permission, changes, and tells; every door calls one."""
